//! A value that is replaced now and then and read all the time.

use super::OnceLock;

/// Readers follow a chain of set-once cells to its end: one acquire load for each replacement so far, no lock, no
/// reference count. Old values live as long as the chain, so this is for what changes a handful of times (the
/// partitions of a topic, when their number grows).
pub struct Latest<T> {
    first: OnceLock<Box<Node<T>>>,
}

struct Node<T> {
    value: T,
    next: OnceLock<Box<Node<T>>>,
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Latest<T> {
    pub fn new() -> Self {
        Latest { first: OnceLock::new() }
    }

    /// The newest value, or `None` before the first.
    #[inline]
    pub fn get(&self) -> Option<&T> {
        let mut node = self.first.get()?;
        while let Some(next) = node.next.get() {
            node = next;
        }
        Some(&node.value)
    }

    /// Replaces the value. Of two at the same time, either may end up the newest.
    pub fn set(&self, value: T) {
        let mut node = Box::new(Node { value, next: OnceLock::new() });
        let mut end = &self.first;
        loop {
            match end.set(node) {
                Ok(()) => return,
                Err(refused) => {
                    node = refused;
                    end = &end.get().expect("a cell that refuses a value has one").next;
                }
            }
        }
    }
}

impl<T> Drop for Latest<T> {
    fn drop(&mut self) {
        // One by one: a long chain must not recurse.
        let mut next = std::mem::take(&mut self.first);
        while let Some(mut node) = next.take() {
            next = std::mem::take(&mut node.next);
        }
    }
}

#[cfg(all(test, not(ottla_loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_newest_value_is_read() {
        let latest = Latest::new();
        assert_eq!(latest.get(), None);
        latest.set(1);
        assert_eq!(latest.get(), Some(&1));
        latest.set(2);
        latest.set(3);
        assert_eq!(latest.get(), Some(&3));
    }

    #[test]
    fn a_value_outlives_its_replacement() {
        let latest = Latest::new();
        latest.set("old".to_string());
        let old = latest.get().expect("set above");
        latest.set("new".to_string());
        assert_eq!(old, "old");
    }
}
