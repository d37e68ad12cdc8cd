//! What a machine has, a line each.

/// How a thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is there.
    Ok,
    /// It is missing, or not as it should be.
    Missing,
    /// It is not there, and nothing here needs it.
    Needless,
}

impl State {
    /// The word in tables and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Missing => "missing",
            Self::Needless => "-",
        }
    }
}

/// One thing that was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was looked for.
    pub subject: &'static str,
    /// How it was found.
    pub state: State,
    /// What was found, or why not.
    pub what: String,
    /// What to do where it is missing.
    pub advice: Option<String>,
}

/// A line for every finding, its advice below it, and the sentence on backends at the end.
pub fn text(findings: &[Finding], backends: &str) -> String {
    let width = findings.iter().map(|finding| finding.subject.len()).max().unwrap_or(0);
    let lines = |Finding { subject, state, what, advice }: &Finding| {
        let line = format!("{:<7}  {subject:<width$}  {what}\n", state.name());
        let below = advice.as_ref().map(|advice| format!("{:<7}  {:<width$}  -> {advice}\n", "", ""));
        line + &below.unwrap_or_default()
    };
    let text: String = findings.iter().map(lines).collect();
    format!("{text}\n{backends}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_stands_below_what_is_missing() {
        let findings = [
            Finding { subject: "Z3", state: State::Ok, what: "4.8.12.0".into(), advice: None },
            Finding {
                subject: "trtexec",
                state: State::Missing,
                what: "not found".into(),
                advice: Some("get it".into()),
            },
        ];
        let expected = "\
ok       Z3       4.8.12.0
missing  trtexec  not found
                  -> get it

backends: sim
";
        assert_eq!(text(&findings, "backends: sim"), expected);
    }
}
