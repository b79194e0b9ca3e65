//! Draws films with masses of known outline and class, for tests, demonstrations and scale.
//!
//! Phantoms choose defaults and measure speed; they are no evidence of accuracy.
