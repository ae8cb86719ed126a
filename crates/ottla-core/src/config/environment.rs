//! `${env:NAME}` in the values of a file: the value of an environment variable, as with Kafka's EnvVarConfigProvider.
//! Other `${...}` stay as they are, and `$${env:NAME}` stands for the text `${env:NAME}`.

use zeroize::Zeroizing;

use crate::secret::append;

const OPEN: &str = "${env:";

/// The value with everything filled in; `None` if nothing in it is to be. What is filled in is not looked at again. An
/// error is a reason, without what the environment holds.
pub(super) fn fill_in(value: &str) -> Result<Option<Zeroizing<String>>, String> {
    fill_in_from(value, |name| std::env::var_os(name).map(std::ffi::OsString::into_string))
}

fn fill_in_from<O>(
    value: &str,
    variable: impl Fn(&str) -> Option<Result<String, O>>,
) -> Result<Option<Zeroizing<String>>, String> {
    if !value.contains(OPEN) {
        return Ok(None);
    }
    let mut filled = Zeroizing::new(String::new());
    let mut rest = value;
    while let Some(at) = rest.find(OPEN) {
        let (before, after) = (&rest[..at], &rest[at + OPEN.len()..]);
        if let Some(before) = before.strip_suffix('$') {
            append(&mut filled, before);
            append(&mut filled, OPEN);
            rest = after;
            continue;
        }
        append(&mut filled, before);
        let (name, after) =
            after.split_once('}').ok_or_else(|| format!("'{OPEN}' is not closed: a name and }} have to follow"))?;
        match variable(name) {
            // The system takes neither for a name; asking it for them may panic.
            _ if name.is_empty() || name.contains(['=', '\0']) => {
                return Err(format!("'{OPEN}{name}}}' does not name an environment variable"));
            }
            Some(Ok(value)) => append(&mut filled, &Zeroizing::new(value)),
            Some(Err(_)) => return Err(format!("the environment variable {name} does not hold UTF-8")),
            None => {
                return Err(format!(
                    "the environment variable {name} is not set; set it, or write $${{env:{name}}} for the text itself"
                ));
            }
        }
        rest = after;
    }
    append(&mut filled, rest);
    Ok(Some(filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(value: &str) -> String {
        let variable = |name: &str| match name {
            "HOST" => Some(Ok("kafka".into())),
            "NESTED" => Some(Ok("${env:HOST}".into())),
            "EMPTY" => Some(Ok(String::new())),
            "BYTES" => Some(Err(())),
            _ => None,
        };
        match fill_in_from(value, variable) {
            Ok(Some(filled)) => filled.to_string(),
            Ok(None) => "as it is".into(),
            Err(reason) => format!("! {reason}"),
        }
    }

    #[test]
    fn variables_are_filled_in_anywhere_and_once() {
        assert_eq!(filled("${env:HOST}"), "kafka");
        assert_eq!(filled("a-${env:HOST}:1,${env:HOST}:2${env:EMPTY}"), "a-kafka:1,kafka:2");
        assert_eq!(filled("${env:NESTED}"), "${env:HOST}");
    }

    #[test]
    fn what_is_no_variable_stays() {
        for text in ["", "plain", "$HOST", "${HOST}", "${file:/etc/x:key}", "$$", "100%"] {
            assert_eq!(filled(text), "as it is");
        }
        assert_eq!(filled("$${env:HOST} and ${env:HOST}"), "${env:HOST} and kafka");
        assert_eq!(filled("$$${env:HOST}"), "$${env:HOST}");
    }

    #[test]
    fn what_cannot_be_filled_in_is_named() {
        assert_eq!(
            filled("${env:ABSENT}"),
            "! the environment variable ABSENT is not set; set it, or write $${env:ABSENT} for the text itself"
        );
        assert_eq!(filled("${env:BYTES}"), "! the environment variable BYTES does not hold UTF-8");
        assert_eq!(filled("a${env:HOST"), "! '${env:' is not closed: a name and } have to follow");
        assert_eq!(filled("${env:}"), "! '${env:}' does not name an environment variable");
    }
}
