//! A source of cases becomes a library.
