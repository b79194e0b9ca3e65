//! The options that point at a mass, shared by `outline` and `find`.
