"""What the columns of MODFLOW 6 lists are called, per package type and block.

A list has one row per cell or feature.  In `ROWS` each row is written as the manual writes it;
`*name` is not a number that a patch may change (a count, an index, a word), `aux` stands for the
names after AUXILIARY, and what stands after it is a boundary's name.  `KEYED` are the settings of
advanced packages: a feature's number, a word, numbers.  Source: MODFLOW 6 - Description of Input
and Output, version 6.4.1.
"""

from collections.abc import Mapping
from typing import NamedTuple

CELL, CELL_2 = "cellid", "cellid2"

ROWS: Mapping[tuple[str, str], str] = {
    ("chd", "PERIOD"): "cellid head aux",
    ("wel", "PERIOD"): "cellid q aux",
    ("drn", "PERIOD"): "cellid elev cond aux",
    ("riv", "PERIOD"): "cellid stage cond rbot aux",
    ("ghb", "PERIOD"): "cellid bhead cond aux",
    ("rch", "PERIOD"): "cellid recharge aux",
    ("evt", "PERIOD"): "cellid surface rate depth pxdp petm petm0 aux",
    ("cnc", "PERIOD"): "cellid conc aux",
    ("src", "PERIOD"): "cellid smassrate aux",
    ("hfb", "PERIOD"): "cellid cellid2 hydchr",
    ("csub", "PERIOD"): "cellid sig0",
    ("csub", "PACKAGEDATA"): (
        "*number cellid *cdelay pcs0 thick_frac rnb ssv_cc sse_cr theta kv h0"
    ),
    ("maw", "PACKAGEDATA"): "*number radius bottom strt *condeqn *ngwfnodes aux",
    ("maw", "CONNECTIONDATA"): "*number *icon cellid scrn_top scrn_bot hk_skin radius_skin",
    ("sfr", "PACKAGEDATA"): ("*number cellid rlen rwid rgrd rtp rbth rhk man *ncon ustrf *ndv aux"),
    ("sfr", "INITIALSTAGES"): "*number initialstage",
    ("lak", "PACKAGEDATA"): "*number strt *nlakeconn aux",
    ("lak", "CONNECTIONDATA"): (
        "*number *iconn cellid *claktype bedleak belev telev connlen connwidth"
    ),
    ("lak", "OUTLETS"): "*number *lakein *lakeout *couttype invert width rough slope",
    ("uzf", "PACKAGEDATA"): "*number cellid *landflag *ivertcon surfdep vks thtr thts thti eps",
    ("uzf", "PERIOD"): "*number finf pet extdp extwc ha hroot rootact aux",
    ("mvr", "PERIOD"): "*mname1 *pname1 *id1 *mname2 *pname2 *id2 *mvrtype value",
    ("gwf-gwf", "EXCHANGEDATA"): "cellid cellid2 *ihc cl1 cl2 hwva aux",
    ("gwt-gwt", "EXCHANGEDATA"): "cellid cellid2 *ihc cl1 cl2 hwva aux",
    ("buy", "PACKAGEDATA"): "*number drhodc crhoref",
    ("vsc", "PACKAGEDATA"): "*number dviscdc cviscref",
    ("lkt", "PACKAGEDATA"): "*number strt aux",
    ("sft", "PACKAGEDATA"): "*number strt aux",
    ("mwt", "PACKAGEDATA"): "*number strt aux",
    ("uzt", "PACKAGEDATA"): "*number strt aux",
    ("tdis", "PERIODDATA"): "perlen nstp tsmult",
}

WHOLE = frozenset(("nstp",))
"""Columns of whole numbers."""

REPLACED = frozenset(
    ("chd", "wel", "drn", "riv", "ghb", "rch", "evt", "cnc", "src", "hfb", "mvr", "csub")
)
"""Packages of which a PERIOD block replaces all rows of the one before."""


class Setting(NamedTuple):
    """Where the number of a setting stands: the word before it, and how many words after that."""

    word: str
    offset: int = 1


_WATER = "rainfall evaporation runoff inflow"
KEYED: Mapping[str, Mapping[str, Setting]] = {
    "maw": {
        "rate": Setting("RATE"),
        "well_head": Setting("WELL_HEAD"),
        "head_limit": Setting("HEAD_LIMIT"),
        "fwelev": Setting("FLOWING_WELL"),
        "fwcond": Setting("FLOWING_WELL", 2),
        "fwrlen": Setting("FLOWING_WELL", 3),
        "minrate": Setting("SHUT_OFF"),
        "maxrate": Setting("SHUT_OFF", 2),
        "pump_elevation": Setting("RATE_SCALING"),
        "scaling_length": Setting("RATE_SCALING", 2),
    },
    "sfr": {name: Setting(name.upper()) for name in f"manning stage {_WATER}".split()}
    | {"upstream_fraction": Setting("UPSTREAM_FRACTION"), "divflow": Setting("DIVERSION", 2)},
    "lak": {
        name: Setting(name.upper())
        for name in f"stage {_WATER} withdrawal rate invert width slope rough".split()
    },
    "lkt": {
        name: Setting(name.upper())
        for name in ("concentration", "rainfall", "evaporation", "runoff", "ext-inflow")
    },
    "sft": {name: Setting(name.upper()) for name in f"concentration {_WATER}".split()},
    "mwt": {name: Setting(name.upper()) for name in ("concentration", "rate")},
    "uzt": {name: Setting(name.upper()) for name in ("concentration", "infiltration", "uzet")},
    "tvk": {name: Setting(name.upper()) for name in ("k", "k22", "k33")},
    "tvs": {name: Setting(name.upper()) for name in ("ss", "sy")},
    "spc": {"concentration": Setting("CONCENTRATION")},
}
"""Settings by the name of their number; those of tvk and tvs are per cell."""

BY_CELL = frozenset(("tvk", "tvs"))
