"""Case matrices and their evidence: the testbed owns cases, child runners own execution."""
