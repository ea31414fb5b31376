"""Several numerical methods on one physical case, each against one reference.

config       what `[comparison]` may say
children     from a comparison to its methods, each an ordinary configuration
planning     before anything runs: they can run, and only the method differs
identity     which programs they use
carrying     the methods carried out, or what is there
reading      a finished run, from its folder alone
sampling     values of cells at points and on the common raster
observables  what is compared
differences  a method against the reference, value by value
closures     how well balances close
audit        measured facts beside those of the reference
records      the files
figures, page     pictures and report
vocabulary   every metric
run          all of it
"""
