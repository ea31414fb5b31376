"""The report of a testbed: what its Markdown and HTML pages show.

evidence                                             what a page is made from
report_tables, report_pictures, report_ensembles     its parts
reporting                                            made again from stored evidence
"""
