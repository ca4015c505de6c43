"""The golden model and what defines its numbers: settings, changes of parameters, quantisation."""
