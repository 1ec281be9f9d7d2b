//! Texts that are stored in the clear: what they may not have in them.
//!
//! U+0000 cannot be stored by PostgreSQL at all, and other control characters but line breaks and
//! tabs are no part of what people write. What a person is to correct is refused; what a device says
//! of itself is cleaned.

/// Whether there is a control character in it that is no line break or tab.
pub(crate) fn has_control(text: &str) -> bool {
    text.chars().any(|c| c.is_control() && !c.is_whitespace())
}

/// The text with blanks for control characters, cut to `max` characters.
pub(crate) fn cleaned(text: &str, max: usize) -> String {
    text.chars().take(max).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Whether it looks like a language tag (BCP 47): parts of 1 to 8 letters and digits with hyphens
/// between them, the first of 2 or more letters, 35 characters at most.
pub(crate) fn is_language(text: &str) -> bool {
    let speaks = |part: &str| part.len() >= 2 && part.bytes().all(|b| b.is_ascii_alphabetic());
    let fits = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    text.len() <= 35 && text.split('-').next().is_some_and(speaks) && text.split('-').all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_told_from_other_texts() {
        for tag in ["hi", "en-IN", "kok-Deva-IN", "sat-Olck", "de-1996"] {
            assert!(is_language(tag), "{tag}");
        }
        for text in ["", "h", "h\0", "-hi", "hi-", "hi--IN", "हिन्दी", "not a language!", "12", "abcdefghi", "x-private"]
        {
            assert!(!is_language(text), "{text}");
        }
        assert!(!is_language(&"ab-".repeat(12)));
    }

    #[test]
    fn a_cleaned_text_keeps_what_can_be_read() {
        assert_eq!(cleaned("आशा's\0 phone\n", 100), "आशा's  phone ");
        assert_eq!(cleaned("abcdef", 3), "abc");
        assert!(has_control("a\u{7}") && has_control("\0") && !has_control("दुकान नं. 4\nRing Road"));
    }
}
