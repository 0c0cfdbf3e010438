"""The views of the service: one module each. Every view in this package is registered."""
