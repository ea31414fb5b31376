"""A model as people write them by hand: tabs, quotes, comments, sub-folders, and Fortran's numbers.

Every oddity in it is accepted by MODFLOW 6; `test_copying.py` runs it.
"""

from pathlib import Path

FILES = {
    "mfsim.nam": """# a simulation
! another comment
// and a third
begin options
end options
\tBegin Timing
\ttdis6\t'in put/time.tdis'
End timing
BEGIN models
 gwf6 "in put/Model.Name"   GWF_1  # trailing
END models
begin exchanges
end exchanges
begin solutiongroup 1
 mxiter 1
 ims6 in_put/solver.ims gwf_1
end solutiongroup 1""",
    # lines end as Windows ends them
    "in put/time.tdis": (
        "begin options\r\n time_units days\r\nend options\r\n"
        "begin dimensions\r\n nper 2\r\nend dimensions\r\n"
        "begin perioddata\r\n 1.d0 1 1.0 PERLEN,NSTP,TSMULT\r\n 1.d1, 2, 1.2d0\r\n"
        "end perioddata\r\n"
    ),
    "in_put/solver.ims": """begin options
 complexity simple
end options
begin nonlinear
 outer_dvclose 1d-9
 outer_maximum 100
end nonlinear
begin linear
 inner_maximum 100
 inner_dvclose 1.e-10 ! tight
 inner_rclose 1e-3
end linear
""",
    "in put/Model.Name": """begin options
 list 'out put/model.lst'
 save_flows
end options
begin packages
 dis6 in_put/grid.dis
 ic6 in_put/start.ic
 npf6 'in_put/flow.npf' NPFX
 sto6 in_put/s.sto
 oc6 in_put/o.oc
 chd6 in_put/c.chd Left
 chd6 in_put/r.chd 'right' (16 characters at most)
 wel6 in_put/w.wel wells
 rch6 in_put/r.rcha
end packages
""",
    "in_put/grid.dis": """begin options
 length_units feet
 nogrb
end options
begin dimensions
 open/close in_put/sizes.txt
\tnrow 3
\tncol,4
end dimensions
begin griddata
 delr
  constant 1.d2
 delc
  internal
  100. 100.
  100.
 top
  internal factor 2.
   4*10. trailing words
   2*10., 10 10
   10 10
   10 10
 botm layered
  constant 10
# a comment between
  constant 0.0
 idomain
   internal
   23*1 1
end griddata
""",
    "in_put/sizes.txt": "# from another file\n\tnlay\t2\n",
    "in_put/start.ic": """begin griddata
STRT LAYERED
 CONSTANT 15
 CONSTANT 15.0D+00
end griddata
""",
    "in_put/flow.npf": """begin options
end options
begin griddata
 icelltype
  constant 0
 k
  internal   factor 1.0  iprn 3
  1.d0 2 3 4
  5 6 7 8 9 10
  11 12
  12*0.5
 k33 layered
  open/close 'in put/k33 top.txt' factor 0.1
  constant 0.1
end griddata
""",
    "in put/k33 top.txt": "1 1 1 1\n1 1 1 1 junk\n1\t1\t1\t1",
    "in_put/s.sto": """begin options
end options
begin griddata
iconvert
constant 0
ss
constant 1e-5
sy
constant 0.1
end griddata
begin period 1
steady-state
end period 1
begin period 2
transient
end period
""",
    "in_put/o.oc": """begin options
 head fileout 'out put/heads.bin'
 budget fileout out.cbc
end options
begin period 1
 save head all
 save budget all
end period 1""",
    "in_put/c.chd": (
        "begin dimensions\n maxbound 3\nend dimensions\nbegin period 1\n"
        " 1 1 1 15. # a\n 1,2,1,15.\n\t1\t3\t1\t1.5d1\nend period 1"
    ),
    "in_put/r.chd": """begin options
 boundnames
end options
begin dimensions
 maxbound 3
end dimensions
begin period 1
 open/close in_put/right_rows.txt
end period 1
""",
    "in_put/right_rows.txt": "# rows\n1 1 4 12.0 'a b'\n1 2 4 12 \"A B\"\n\n1 3 4 12 c",
    "in_put/w.wel": """begin options
 auxiliary conc
 boundnames
end options
begin dimensions
 maxbound 2
end dimensions
begin period 1
 1 2 2 -1.0 3. p1
 2 2 3 -2d0 4. p2
end period 1
""",
    "in_put/r.rcha": """begin options
 readasarrays
end options
begin period 1
 recharge
  constant 1e-3
end period 1
begin period 2
end period 2
""",
}


def written(folder: Path, **changes: str) -> Path:
    """The model; `changes` replace whole files by their last name (`o_oc`: `in_put/o.oc`)."""
    names = {Path(name).name.replace(".", "_").replace(" ", "_"): name for name in FILES}
    texts = FILES | {names[key]: text for key, text in changes.items()}
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1"))
    (folder / "out put").mkdir()
    return folder


def edited(name: str, old: str, new: str) -> str:
    """A file of the model with one text replaced."""
    assert old in FILES[name]
    return FILES[name].replace(old, new)
