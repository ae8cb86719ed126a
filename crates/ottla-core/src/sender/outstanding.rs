//! Batches that are not decided yet, in the order in which they were taken. Flushes wait for them.

use std::collections::VecDeque;

/// Serials, and how many undecided batches each stands for: a split makes several of one.
#[derive(Default)]
pub struct Outstanding {
    first: u64,
    counts: VecDeque<u32>,
}

impl Outstanding {
    /// The serial of a batch that was just taken.
    pub fn begin(&mut self) -> u64 {
        self.counts.push_back(1);
        self.next() - 1
    }

    /// Counts the parts of a batch that was split.
    pub fn split(&mut self, serial: u64, parts: u32) {
        let count = self.count(serial);
        *count = *count + parts - 1;
    }

    /// Counts a batch of `serial` that was decided.
    pub fn end(&mut self, serial: u64) {
        let count = self.count(serial);
        debug_assert!(*count > 0, "batch {serial} was decided twice");
        *count -= 1;
        while self.counts.front() == Some(&0) {
            self.counts.pop_front();
            self.first += 1;
        }
    }

    /// The serial of the next batch.
    pub fn next(&self) -> u64 {
        self.first + self.counts.len() as u64
    }

    /// Whether every batch before `serial` was decided.
    pub fn all_ended_before(&self, serial: u64) -> bool {
        self.first >= serial
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    fn count(&mut self, serial: u64) -> &mut u32 {
        let index = serial.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        index.and_then(|index| self.counts.get_mut(index)).expect("a batch is outstanding until it is decided")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_ended_when_each_of_it_has() {
        let mut outstanding = Outstanding::default();
        let (a, b) = (outstanding.begin(), outstanding.begin());
        let upto = outstanding.next();
        let c = outstanding.begin();
        outstanding.end(b);
        assert!(!outstanding.all_ended_before(upto));
        outstanding.end(a);
        assert!(outstanding.all_ended_before(upto));
        assert!(!outstanding.is_empty());
        outstanding.end(c);
        assert!(outstanding.is_empty());
    }

    #[test]
    fn all_parts_of_a_split_must_end() {
        let mut outstanding = Outstanding::default();
        let a = outstanding.begin();
        outstanding.split(a, 3);
        outstanding.end(a);
        outstanding.end(a);
        assert!(!outstanding.is_empty());
        outstanding.end(a);
        assert!(outstanding.is_empty());
    }
}
