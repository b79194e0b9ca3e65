//! The integration tests of the window, one binary: the real app, pressed by its labels.
