"""The older programs of the USGS on the same models: other codes, the same configuration.

limits         what they cannot do, refused when a configuration is read
running        carries them out and says why one stopped
nwt            flow by MODFLOW-NWT
nwt_files      its input files
reading        its binary files and its listing
mt3d           transport by MT3D-USGS on that flow
mt3d_files     its input files
mt3d_reading   its concentrations and mass budgets
"""
