"""Several numerical methods on one physical case, each against one reference.

config     what `[comparison]` may say
"""
