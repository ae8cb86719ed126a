//! The id of a topic in messages, where 16 zero bytes stand for none.

/// The id of a topic (KIP-516). A topic that is deleted and created again has another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicId([u8; 16]);

impl TopicId {
    /// `None` if the field holds no id.
    pub fn of_field(field: [u8; 16]) -> Option<Self> {
        (field != [0; 16]).then_some(TopicId(field))
    }

    /// The field of an id, or of none.
    pub fn to_field(id: Option<Self>) -> [u8; 16] {
        id.map_or([0; 16], |TopicId(field)| field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_no_id() {
        assert_eq!(TopicId::of_field([0; 16]), None);
        assert_eq!(TopicId::to_field(None), [0; 16]);
    }

    #[test]
    fn an_id_has_its_own_bytes() {
        let mut field = [0; 16];
        field[15] = 1;
        let id = TopicId::of_field(field);
        assert!(id.is_some());
        assert_eq!(TopicId::to_field(id), field);
    }
}
