"""Tables, figures and the environment of a measurement, for every page that the commands write."""
