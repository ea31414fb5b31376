"""The older programs of the USGS on the same models: other codes, the same configuration.

limits       what they cannot do, refused when a configuration is read
nwt_files    the input files of MODFLOW-NWT
reading      their binary files and listings
nwt          flow by MODFLOW-NWT
"""
