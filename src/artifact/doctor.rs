//! The document of `doctor`.

use anyhow::Result;
use serde::Serialize;

use super::field::SCHEMA_VERSION;
use super::json::to_json;
use crate::report::doctor::Finding;

#[derive(Serialize)]
struct Report<'a> {
    schema_version: u64,
    findings: Vec<FindingField<'a>>,
    backends: &'a str,
}

#[derive(Serialize)]
struct FindingField<'a> {
    subject: &'a str,
    state: &'a str,
    what: &'a str,
    advice: Option<&'a str>,
}

/// The document of `doctor`: every finding, and the sentence on backends.
pub fn findings_to_json(findings: &[Finding], backends: &str) -> Result<String> {
    let findings = findings.iter().map(|finding| FindingField {
        subject: finding.subject,
        state: finding.state.name(),
        what: &finding.what,
        advice: finding.advice.as_deref(),
    });
    to_json(&Report { schema_version: SCHEMA_VERSION, findings: findings.collect(), backends })
}
