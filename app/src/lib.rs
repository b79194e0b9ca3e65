//! The window. It shows and computes nothing: every number on it comes from `precedent_core`.
