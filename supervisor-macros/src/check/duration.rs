//! Durations as a user writes them: `"1h30m"`, `250ms`, `5`, `0.5`, or an expression.

#[cfg(test)]
mod tests;

use std::time::Duration;

use syn::{Expr, Lit, UnOp};

use super::Time;
use crate::mistake::{Mistake, Mistakes, listed, nearest};
use crate::parse::Expression;

/// Each unit with its length in nanoseconds.
const UNITS: [(&str, u128); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3_600 * SECOND),
    ("d", 86_400 * SECOND),
];
const SECOND: u128 = 1_000_000_000;

/// What other programs call the same units.
const ALIASES: [(&str, &[&str]); 6] = [
    ("ms", &["msec", "msecs", "millis", "millisecond", "milliseconds"]),
    ("us", &["usec", "µs", "micros", "microsecond", "microseconds"]),
    ("s", &["sec", "secs", "second", "seconds"]),
    ("m", &["min", "mins", "minute", "minutes"]),
    ("h", &["hr", "hrs", "hour", "hours"]),
    ("d", &["day", "days"]),
];

/// Reads the value of `key`; `None` if it cannot be a duration.
pub(super) fn time(key: &str, value: &Expression, mistakes: &mut Mistakes) -> Option<Time> {
    let value = value.bare();
    let read = match value.syntax() {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => read(&text.value(), Unit::Required),
            Lit::Int(number) => number_of_seconds(&number.token().to_string(), number.suffix()),
            Lit::Float(number) => number_of_seconds(&number.token().to_string(), number.suffix()),
            _ => Err(Problem::new("this is not a duration").help(FORMS)),
        },
        Expr::Unary(unary) if matches!((&unary.op, &*unary.expr), (UnOp::Neg(_), Expr::Lit(_))) => {
            Err(Problem::new("a duration cannot be negative").help(FORMS))
        }
        Expr::Closure(_) | Expr::Array(_) | Expr::Tuple(_) | Expr::Range(_) => {
            Err(Problem::new(format!("`{key}` takes one duration")).help(FORMS))
        }
        _ => return Some(Time::Expression(value)),
    };
    let read = read.and_then(|duration| if duration.is_zero() { Err(zero(key)) } else { Ok(duration) });
    match read {
        Ok(duration) => Some(Time::Literal(duration)),
        Err(problem) => {
            mistakes.push(Mistake::at(&value, problem.message).maybe_help(problem.help));
            None
        }
    }
}

/// A literal without quotes, whose unit is a suffix to the compiler.
fn number_of_seconds(text: &str, suffix: &str) -> Result<Duration, Problem> {
    let is_type =
        ["i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize", "f32", "f64"]
            .contains(&suffix);
    if is_type && !text.starts_with("0x") {
        let seconds = text.trim_end_matches(suffix);
        return Err(Problem::new(format!("`{suffix}` is not a time unit"))
            .help(format!("write `{seconds}s`, or `{seconds}` for the same")));
    }
    read(text, Unit::Seconds)
}

const FORMS: &str = "write `\"1h30m\"`, `250ms`, a number of seconds, or an expression of type `Duration`";

#[derive(Debug)]
struct Problem {
    message: String,
    help: Option<String>,
}

impl Problem {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

fn zero(key: &str) -> Problem {
    let problem = Problem::new(format!("`{key}` cannot be zero"));
    match key {
        "shutdown" => problem.help("to drop the child at once, write `brutal_kill`"),
        "over" => problem.help("to allow no restart at all, write `max_restarts = 0`"),
        _ => problem.help(format!("to go without, remove `{key}`")),
    }
}

/// What a number without a unit means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Seconds,
    Required,
}

/// Reads `1h30m`, `1.5s`, `250ms`; exactly, without a detour through floating point.
fn read(text: &str, unit: Unit) -> Result<Duration, Problem> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(Problem::new("this duration is empty").help(FORMS));
    }
    if ["0x", "0b", "0o"].iter().any(|radix| rest.starts_with(radix)) {
        return Err(Problem::new("a duration is written in decimal").help(FORMS));
    }
    if rest.starts_with('-') {
        return Err(Problem::new("a duration cannot be negative").help(FORMS));
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.' || c == '_');
        let (word, after) = split(after.trim_start(), |c| !c.is_ascii_digit() && !c.is_whitespace() && c != '.');
        let unit = match word {
            "" if unit == Unit::Seconds && number == text => SECOND,
            "" => {
                return Err(
                    Problem::new(format!("`{text}` has no time unit")).help(format!("write `{text}s` for seconds"))
                );
            }
            word => nanoseconds(word)?,
        };
        let nanos =
            times(number, unit).ok_or_else(|| Problem::new(format!("`{text}` is not a duration")).help(FORMS))?;
        total = total.checked_add(nanos).ok_or_else(too_long)?;
        rest = after.trim_start();
    }
    let seconds = u64::try_from(total / SECOND).map_err(|_| too_long())?;
    let nanos = u32::try_from(total % SECOND).map_err(|_| too_long())?;
    Ok(Duration::new(seconds, nanos))
}

fn too_long() -> Problem {
    Problem::new("this duration is too long").help("the longest is about 584 billion years")
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

fn nanoseconds(word: &str) -> Result<u128, Problem> {
    if let Some((_, length)) = UNITS.iter().find(|(unit, _)| *unit == word) {
        return Ok(*length);
    }
    let units = UNITS.map(|(unit, _)| unit);
    let alias =
        |is_it: &dyn Fn(&[&str]) -> bool| ALIASES.iter().find(|(_, aliases)| is_it(aliases)).map(|(unit, _)| *unit);
    // From what is surely meant to what may be: `S` is one letter away from `µs`, too.
    let meant = alias(&|aliases| aliases.contains(&word))
        .or_else(|| units.into_iter().find(|unit| unit.eq_ignore_ascii_case(word)))
        .or_else(|| alias(&|aliases| nearest(word, aliases.iter().copied()).is_some()));
    let problem = Problem::new(format!("unknown time unit `{word}`"));
    Err(match meant {
        Some(unit) => problem.help(format!("did you mean `{unit}`?")),
        None => problem.help(format!("the units are {}", listed(units))),
    })
}

/// `number` × `unit`; `None` if it is no number, too large, or finer than a nanosecond.
fn times(number: &str, unit: u128) -> Option<u128> {
    let number = number.replace('_', "");
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let mut nanos = if whole.is_empty() {
        return None;
    } else {
        whole.parse::<u128>().ok()?.checked_mul(unit)?
    };
    let mut place = unit;
    for digit in fraction.chars() {
        let digit = u128::from(digit.to_digit(10)?);
        if !place.is_multiple_of(10) && digit != 0 {
            return None;
        }
        place /= 10;
        nanos = nanos.checked_add(digit * place)?;
    }
    Some(nanos)
}
