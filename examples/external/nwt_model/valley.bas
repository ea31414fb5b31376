# all cells active, heads start at 20 m
FREE
CONSTANT 1
-999.99
CONSTANT 20.0
