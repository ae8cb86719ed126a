//! The functions of the header, compared with what tests/c tries: NULL for every pointer of every function, and each
//! function of a producer with a full buffer, inside a callback and in a forked child.

use std::collections::BTreeSet;
use std::path::Path;

/// Pointers that cannot be tried, as function and parameter, with the reason.
const UNTRIED: [(&str, &str, &str); 0] = [];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The programs of tests/c, concatenated.
fn all_programs() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c");
    let names = std::fs::read_dir(folder).expect("tests/c is there").map(|entry| entry.expect("readable").file_name());
    let names = names.filter_map(|name| name.into_string().ok()).filter(|name| name.ends_with(".c"));
    names.map(|name| read(&format!("tests/c/{name}"))).collect()
}

/// A source without comments and without the contents of string literals, so that commas and parentheses can be
/// counted.
fn code(source: &str) -> String {
    let mut out = String::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '/', '\'']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if let Some(quote @ ('"' | '\'')) = rest.chars().next() {
            out.push_str("literal");
            literal(rest, quote)
        } else {
            out.push('/');
            1
        };
        rest = &rest[length..];
    }
    out + rest
}

/// The length of the literal at the beginning of `text`.
fn literal(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The arguments of a call or the parameters of a prototype. `text` begins after the opening parenthesis.
fn arguments(text: &str) -> Vec<String> {
    let mut depth = 0;
    let mut all = vec![String::new()];
    for c in text.chars() {
        match c {
            ')' | ']' | '}' if depth == 0 => break,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                all.push(String::new());
                continue;
            }
            _ => {}
        }
        all.last_mut().expect("never empty").push(c);
    }
    all.into_iter().map(|argument| argument.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Every exported function with its pointers, as position and name.
fn prototypes(header: &str) -> Vec<(String, Vec<(usize, String)>)> {
    let pointers = |parameters: &str| {
        let is_pointer = |text: &str| text.contains('*') || text.split(' ').next().is_some_and(|t| t.ends_with("_fn"));
        let name = |text: &str| text.rsplit([' ', '*']).next().unwrap_or(text).to_owned();
        let all = arguments(parameters).into_iter().enumerate();
        all.filter(|(_, text)| is_pointer(text)).map(|(at, text)| (at, name(&text))).collect()
    };
    let functions = header.split("OTTLA_CALL ").skip(1).filter_map(|text| text.split_once('('));
    let named = functions.filter(|(name, _)| name.starts_with("ottla_"));
    named.map(|(name, parameters)| (name.to_owned(), pointers(parameters))).collect()
}

/// The argument positions at which some call of `function` passes NULL.
fn nulls(program: &str, function: &str) -> BTreeSet<usize> {
    let call = format!("{function}(");
    let calls = program.match_indices(&call).map(|(at, _)| arguments(&program[at + call.len()..]));
    calls.flat_map(|arguments| (0..).zip(arguments)).filter(|(_, text)| text == "NULL").map(|(at, _)| at).collect()
}

#[test]
fn null_is_tried_for_every_pointer_of_every_function() {
    let (header, program) = (code(&read("include/ottla.h")), code(&all_programs()));
    let functions = prototypes(&header);
    assert!(functions.len() > 50, "the header was not understood: {functions:?}");
    let mut missing = Vec::new();
    for (function, pointers) in &functions {
        let tried = nulls(&program, function);
        let untried = |name: &str| UNTRIED.iter().any(|(of, parameter, _)| of == function && *parameter == name);
        let left = pointers.iter().filter(|(at, name)| !tried.contains(at) && !untried(name));
        missing.extend(left.map(|(_, name)| format!("    {function}: NULL for {name}")));
    }
    assert!(
        missing.is_empty(),
        "tests/c/api_null.c, or the program that is about the function, should call each of these so, and check what comes \
         of it: NAMES(\"<argument>\", call) where NULL is refused, CHECK_OK(call) where it is allowed\n{}",
        missing.join("\n")
    );
}

/// Checks that a program of tests/c calls each of these functions.
fn called(functions: &[&str], program: &str, what: &str) {
    let path = format!("tests/c/{program}.c");
    let text = code(&read(&path));
    let missing: Vec<_> = functions.iter().filter(|function| !text.contains(&format!("{function}("))).collect();
    assert!(missing.is_empty(), "{path} should {what} each of {missing:?}");
}

/// The functions whose first parameter is a producer or a topic.
fn functions_of_a_producer(header: &str) -> Vec<&str> {
    let functions = header.split("OTTLA_CALL ").skip(1).filter_map(|text| text.split_once('('));
    let of_producer = |first: &str| first.contains("ottla_producer *") || first.contains("ottla_topic *");
    let chosen = functions.filter(|(name, parameters)| {
        name.starts_with("ottla_") && arguments(parameters).first().is_some_and(|first| of_producer(first))
    });
    chosen.map(|(name, _)| name).collect()
}

#[test]
fn each_way_to_send_is_tried_with_a_full_buffer() {
    let header = code(&read("include/ottla.h"));
    let is_way = |name: &&str| name.contains("send") && !name.contains("transaction");
    let ways: Vec<_> = functions_of_a_producer(&header).into_iter().filter(is_way).collect();
    assert!(ways.len() >= 5, "the header was not understood: {ways:?}");
    called(&ways, "life_full", "expect BUFFER_FULL of");
}

#[test]
fn each_function_of_a_producer_is_tried_inside_a_callback() {
    let header = code(&read("include/ottla.h"));
    called(&functions_of_a_producer(&header), "life_inside", "try, in a callback,");
}

#[test]
fn each_function_of_a_producer_is_tried_in_a_forked_child() {
    let header = code(&read("include/ottla.h"));
    called(&functions_of_a_producer(&header), "life_fork", "try, in the child,");
}

/// The members of ottla_send_options that change something.
fn options(header: &str) -> Vec<&str> {
    let (_, members) = header.split_once("typedef struct ottla_send_options {").expect("the options are in the header");
    let (members, _) = members.split_once('}').expect("they end");
    let names = members.split(';').filter_map(|member| member.trim().rsplit([' ', '*']).next());
    names.filter(|name| !["", "struct_size", "reserved", "release_userdata"].contains(name)).collect()
}

#[test]
fn each_option_of_sends_is_tried_with_a_full_buffer_inside_a_callback_and_in_a_forked_child() {
    let header = code(&read("include/ottla.h"));
    let options = options(&header);
    assert_eq!(
        options,
        ["flags", "on_delivery", "on_release", "handle_out"],
        "a new option needs programs that try it"
    );
    for program in ["api_options", "life_full", "life_inside", "life_fork"] {
        let text = code(&read(&format!("tests/c/{program}.c")));
        for option in &options {
            assert!(text.contains(&format!(".{option} = ")), "tests/c/{program}.c should try {option}");
        }
    }
}

#[test]
fn prototypes_and_calls_are_understood() {
    let header = "OTTLA_API ottla_code OTTLA_CALL ottla_f(const struct ottla_a *a,\n  size_t n, ottla_g_fn on_g, char **out);\
                  typedef void (OTTLA_CALL *ottla_g_fn)(void *userdata); OTTLA_API int OTTLA_CALL ottla_h(void);";
    let pointers = vec![(0, "a".to_owned()), (2, "on_g".to_owned()), (3, "out".to_owned())];
    assert_eq!(prototypes(header), [("ottla_f".to_owned(), pointers), ("ottla_h".to_owned(), vec![])]);
    let program = code("/* ottla_f(NULL) */ x(ottla_f(a(\",)\\\"\", NULL), 1, NULL, &out)); ottla_f(NULL, 0, b, c);");
    assert_eq!(nulls(&program, "ottla_f"), BTreeSet::from([0, 2]));
}
