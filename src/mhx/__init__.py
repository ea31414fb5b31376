"""mhx: simulation campaigns that must be believed."""

__version__ = "0.1.0"
