"""How command lines are carried out: no physics, no evidence format of its own.

job             what a command line, its outcome and a backend are
local           the pool of persistent worker processes; `worker_process` is one of them seen from
                the pool, `worker` what it runs, `keeper` what lets nothing outlive it
inline          one job after another in this process, for tests
attempts        one folder per start of a job: status and log
processes       births, descendants, CPUs, as Linux tells them
lock            one process writes into a run directory, and whoever comes second learns who it is
"""
