//! Indices of the sender's tables, and tables that can only be read with their own kind of index.

use std::marker::PhantomData;
use std::ops;

/// A position in one of the sender's tables.
pub trait TableIndex: Copy {
    fn from_position(position: usize) -> Self;

    fn position(self) -> usize;
}

macro_rules! indices {
    ($(#[doc = $what:literal] $name:ident,)+) => {$(
        #[doc = $what]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl TableIndex for $name {
            fn from_position(position: usize) -> Self {
                $name(position as u32)
            }

            fn position(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}

indices! {
    /// A broker or a bootstrap address. The index stays the same as long as the producer lives.
    BrokerIndex,
    /// A partition, or the queue of a topic whose partitions are not known: the index of its slot.
    PartitionIndex,
    /// A topic that was requested.
    TopicIndex,
}

impl PartitionIndex {
    /// The index for the number that the accumulator gave to the partition's slot.
    pub fn of_slot(index: u32) -> Self {
        PartitionIndex(index)
    }
}

/// Rows that are never removed, found by an index of type `I`.
pub struct Table<I, T> {
    rows: Vec<T>,
    index: PhantomData<I>,
}

impl<I: TableIndex, T> Table<I, T> {
    pub fn new() -> Self {
        Table { rows: Vec::new(), index: PhantomData }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn push(&mut self, row: T) -> I {
        self.rows.push(row);
        I::from_position(self.rows.len() - 1)
    }

    pub fn get(&self, index: I) -> Option<&T> {
        self.rows.get(index.position())
    }

    /// The indices of the present rows.
    pub fn indices(&self) -> impl DoubleEndedIterator<Item = I> + Clone + use<I, T> {
        (0..self.rows.len()).map(I::from_position)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.rows.iter()
    }

    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.rows.iter_mut()
    }

    pub fn with_indices(&self) -> impl Iterator<Item = (I, &T)> {
        self.indices().zip(&self.rows)
    }
}

impl<I: TableIndex, T: Default> Table<I, T> {
    /// The row of an index. Adds default rows up to it if need be.
    pub fn row_or_default(&mut self, index: I) -> &mut T {
        let position = index.position();
        if self.rows.len() <= position {
            self.rows.resize_with(position + 1, T::default);
        }
        &mut self.rows[position]
    }
}

impl<I: TableIndex, T> ops::Index<I> for Table<I, T> {
    type Output = T;

    fn index(&self, index: I) -> &T {
        &self.rows[index.position()]
    }
}

impl<I: TableIndex, T> ops::IndexMut<I> for Table<I, T> {
    fn index_mut(&mut self, index: I) -> &mut T {
        &mut self.rows[index.position()]
    }
}
