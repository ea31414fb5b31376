"""Where cases come from, besides those listed by hand.

    axes, design_rules, making     values of axes; what a design may say; its cases
    catalog, catalog_cases         rows of a CSV or JSONL file; the cases that rules make of them
    templates                      texts with placeholders

Sampled points are drawn in `mhx.testbed.design`, the one module that may import scipy.
"""
