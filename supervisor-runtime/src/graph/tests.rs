use super::*;

fn label(line: &str) -> Graph {
    let mut graph = Graph::new();
    graph.add(None, Shape::Group, None, [line.to_owned()]);
    graph
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.rsplit_once(to).map(|(inside, _)| inside)
}

/// What a reader of Mermaid makes of a label: each `#12;` is a character.
fn read(label: &str) -> String {
    let (text, rest) = label.split_once('#').unwrap_or((label, ""));
    let Some((number, rest)) = rest.split_once(';') else { return text.to_owned() };
    let c = number.parse().ok().and_then(char::from_u32).expect("the number of a character");
    format!("{text}{c}{}", read(rest))
}

const NASTY: [&str; 28] = [
    "plain",
    "pool: one_for_one",
    "(one_for_one)",
    "say \"hello\"",
    "a]b[c}d{e)f(g",
    "\"]; click n0 \"javascript:alert(1)",
    "<script>alert(1)</script>",
    "Vec<Box<dyn Fn(&str) -> u8>>",
    "#quot; &amp; &#35; #35;",
    "1. first",
    "1) first",
    "- item",
    "+ item",
    "=====",
    "> quoted",
    "# heading",
    "`markdown`",
    "*bold* _em_ __init__ a_b ~~gone~~",
    "%%{init: {'theme': 'dark'}}%%",
    "%% comment",
    "$$x^2$$",
    "fa:fa-car",
    "crate::style::new(\"x\"); style:#x;",
    "classDef x:#y;",
    "back\\slash\\n\\N \\",
    "a | b",
    "end",
    "größe ● 名前",
];

#[test]
fn mermaid_reads_every_label_as_it_was() {
    for text in NASTY {
        let drawn = label(text).mermaid().to_string();
        let inside = between(&drawn, "n0[\"", "\"]\n").expect("a label");
        let read = read(inside);
        assert_eq!(read.replace(mermaid::WORD_JOINER, ""), text, "{drawn}");
        for read_later in ["\\n", "$$", "fa:fa-"] {
            assert!(!read.contains(read_later), "{read}");
        }
        assert!(
            !inside.contains(['"', '<', '>', '[', ']', '`', '*', '%', '$', '{', '}', '|', '&', '\\', '~', '\'']),
            "{inside} of {text}"
        );
        // What Markdown takes for the beginning of a list or a heading.
        assert!(!inside.starts_with(['-', '+', '=', '.', ' ']) && !inside.starts_with("1"), "{inside}");
        assert!(!inside.contains("::") && !inside.contains("fa:"), "{inside}");
    }
}

#[test]
fn mermaid_stays_readable_where_nothing_has_to_be_escaped() {
    for text in [
        "pool: one_for_one",
        "(one_for_one)",
        "max_restarts = 3, over = 1.5s",
        "worker ×4",
        "● running 3d 4h",
        "9/10 in 1s",
    ] {
        assert_eq!(label(text).mermaid().to_string(), format!("flowchart LR\n    n0[\"{text}\"]\n"));
    }
}

#[test]
fn dot_reads_every_label_as_it_was() {
    for text in NASTY {
        let drawn = label(text).dot().to_string();
        let inside = between(&drawn, "n0 [label=\"", "\", style=filled]").expect("a label");
        let mut read = String::new();
        let mut rest = inside.chars();
        while let Some(c) = rest.next() {
            assert_ne!(c, '"', "it ends the label: {inside}");
            read.push(if c == '\\' { rest.next().expect("an escaped character") } else { c });
        }
        assert_eq!(read.replace("&amp;", "&"), text, "{drawn}");
        // Any other escape means something: `\N`, `\l`.
        assert!(inside.replace("\\\\", "").replace("\\\"", "").find('\\').is_none(), "{inside}");
    }
}

#[test]
fn a_line_break_in_a_name_is_none_in_the_source() {
    let drawn = label("a\nb\r\n\tc").mermaid().to_string();
    assert_eq!(drawn, "flowchart LR\n    n0[\"a b c\"]\n");
    assert!(label("a\nb").dot().to_string().contains("label=\"a b\""));
}

#[test]
fn lines_that_are_empty_are_left_out() {
    let mut graph = Graph::new();
    graph.add(None, Shape::Child, None, ["a".to_owned(), " ".to_owned(), "b".to_owned()]);
    assert_eq!(graph.mermaid().to_string(), "flowchart LR\n    n0([\"a<br/>b\"])\n");
}
