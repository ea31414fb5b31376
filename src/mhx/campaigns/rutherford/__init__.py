"""The reconnection campaign: the only part of `campaigns` that knows physics.

template, fast      look: a plan sketch, a tiny run
plan, parameters    plan: flags -> parameters -> run directory; plan_gates judges it
stepper, execute    execute: the solver behind the campaign-neutral driver
resume, status      where the next chunk starts; where a run stands
promotion           whether a finished run may be called more than validation
"""
