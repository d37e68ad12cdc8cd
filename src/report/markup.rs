//! What SVG and HTML share: escaped text, and the colour of every network.

/// `text` with the characters that mean something in XML replaced; control characters, which XML forbids, become `?`.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character if character.is_control() => escaped.push('?'),
            character => escaped.push(character),
        }
    }
    escaped
}

/// Fill and text colour of a task: Okabe and Ito's palette, which colour-blind people can tell apart.
pub(super) fn colours(task: usize) -> (&'static str, &'static str) {
    const PALETTE: [(&str, &str); 7] = [
        ("#0072b2", "#ffffff"),
        ("#e69f00", "#000000"),
        ("#009e73", "#000000"),
        ("#cc79a7", "#000000"),
        ("#56b4e9", "#000000"),
        ("#d55e00", "#000000"),
        ("#f0e442", "#000000"),
    ];
    PALETTE[task % PALETTE.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_control_characters_in_names_lose_their_meaning() {
        assert_eq!(escape("<a b=\"c\">&'\u{1}"), "&lt;a b=&quot;c&quot;&gt;&amp;&#39;?");
    }
}
