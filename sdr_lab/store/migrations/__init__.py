"""The history of the tables, shipped with the package. `SCHEMA` is the newest revision."""

SCHEMA = "0002"
