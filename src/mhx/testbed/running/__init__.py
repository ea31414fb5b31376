"""Between the plan and the evidence: what stands, what must run, how it ended.

root          where the evidence may go
preparing     children and dry evidence, before the first case
reuse         what is finished and unchanged, and the reason where it is not
folders       the folder of a case; earlier runs are moved aside
stopping      signals
reading       what a run left
outcome       how it ended
journal       on record before anything else
"""
