//! Undo and redo of one value, kept whole.
//!
//! One step a completed gesture: call [`History::commit`] when the hand lets go, never each frame.

use std::collections::VecDeque;

/// Steps that can be taken back.
pub const DEPTH: usize = 200;

/// A value with its past and its undone future.
#[derive(Debug, Clone, PartialEq)]
pub struct History<T> {
    past: VecDeque<T>,
    now: T,
    undone: Vec<T>,
}

impl<T> History<T> {
    pub fn new(now: T) -> Self {
        Self { past: VecDeque::new(), now, undone: Vec::new() }
    }

    pub fn now(&self) -> &T {
        &self.now
    }

    /// Makes `next` the value of now, as one step; what had been undone is gone.
    pub fn commit(&mut self, next: T) {
        self.undone.clear();
        self.past.push_back(std::mem::replace(&mut self.now, next));
        if self.past.len() > DEPTH {
            self.past.pop_front();
        }
    }

    pub fn can_undo(&self) -> bool {
        !self.past.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// Whether there was a step to take back.
    pub fn undo(&mut self) -> bool {
        let Some(before) = self.past.pop_back() else { return false };
        self.undone.push(std::mem::replace(&mut self.now, before));
        true
    }

    /// Whether there was a step to do again.
    pub fn redo(&mut self) -> bool {
        let Some(after) = self.undone.pop() else { return false };
        self.past.push_back(std::mem::replace(&mut self.now, after));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undoing_all_and_redoing_all_gives_every_value_back() {
        let mut history = History::new(0);
        (1..=150).for_each(|value| history.commit(value));
        for value in (0..150).rev() {
            assert!(history.undo());
            assert_eq!(*history.now(), value);
        }
        assert!(!history.undo(), "nothing came before the first value");
        for value in 1..=150 {
            assert!(history.redo());
            assert_eq!(*history.now(), value);
        }
        assert!(!history.redo(), "nothing comes after the last value");
    }

    #[test]
    fn a_new_step_forgets_what_was_undone() {
        let mut history = History::new('a');
        history.commit('b');
        history.undo();
        history.commit('c');
        assert!(!history.can_redo());
        history.undo();
        assert_eq!(*history.now(), 'a');
    }

    #[test]
    fn the_oldest_steps_are_forgotten_first() {
        let mut history = History::new(0);
        (1..=DEPTH + 10).for_each(|value| history.commit(value));
        while history.undo() {}
        assert_eq!(*history.now(), 10);
    }
}
