"""Where shards live: in threads of this process, in processes of this machine, or on a Ray cluster."""
