//! Names that the server invents: constraints, indexes and sequences nobody named.
