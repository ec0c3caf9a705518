"""sparring: adversarial learning as games."""

__version__ = "0.1.0"
