"""Organisation tree: the rows and the sums over them in RAM, a pipeline of levels that draws and updates go down."""
