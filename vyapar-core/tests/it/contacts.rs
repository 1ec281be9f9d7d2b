//! Phone numbers and e-mail addresses against real ones and their reference verdicts.
//!
//! The sets lie beside the repository (`../shared/data`); without them the tests that need
//! them say so and pass.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use vyapar_core::contact::{ContactError, Email, Phone};

/// A file of the data that lies beside the repository, or nothing, with the reason printed.
pub(crate) fn shared(name: &str) -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    let read = std::fs::read_to_string(&path);
    if let Err(why) = &read {
        println!("skipped: {} cannot be read ({why})", path.display());
    }
    read.ok()
}

/// Rows without the header. None of these files quotes a cell that these tests read.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().skip(1).filter(|line| !line.is_empty()).map(|line| line.split(',').collect())
}

/// Classes of differences: a name with the reason, and how many there must be.
fn check(differences: &BTreeMap<&'static str, Vec<String>>, expected: &[(&'static str, usize)]) {
    for (class, cases) in differences {
        println!("{:>5}  {class} (such as {})", cases.len(), cases[0]);
    }
    let found: Vec<_> = differences.iter().map(|(class, cases)| (*class, cases.len())).collect();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

const TWELVE: &str = "refused here, toll-free there: eight digits after 1800. The reference allows 4 to 9; here ten or \
     eleven digits in all, as in service (the nine other such rows) and in the other public suite (phone_care)";
const NO_SERIES: &str = "accepted here, invalid there: ten digits in no open series. DOMAIN asks for the shape only, \
     since series open faster than a library is updated; such a number is a landline, never sent a code";
const TRUNK_ZERO: &str = "accepted here, invalid there: +91, then the 0 of a call within India. Both take the 0 off \
     (the normal forms are equal); what is left is in no open series, as in the class above";
const LANDLINE_6_TO_9: &str = "mobile here, fixed line there: begins with 6 to 9 but with an area code (79 Ahmedabad, \
     863 Guntur). DOMAIN calls 6 to 9 mobile; only the reference's table of area codes tells them apart";
const EITHER: &str = "mobile here, fixed line or mobile there: the reference itself cannot tell, by DOMAIN's rule a \
     mobile";

#[test]
fn branch_phones_against_their_reference_verdict() {
    let Some(text) = shared("ifsc_branches/phones_with_libphonenumber_verdict.csv") else { return };
    let mut differences = BTreeMap::<_, Vec<String>>::new();
    let (mut count, mut accepted, mut refused) = (0, 0, 0);
    for row in rows(&text) {
        let [raw, valid, kind, e164] = row[..] else { panic!("a row of another shape: {row:?}") };
        count += 1;
        let class = match (raw.parse::<Phone>(), valid == "true") {
            (Ok(phone), valid) => {
                accepted += 1;
                assert_eq!(phone.as_str(), e164, "another normal form");
                match (valid, kind, phone.is_mobile()) {
                    (true, "MOBILE", true) => continue,
                    (true, "FIXED_LINE" | "TOLL_FREE" | "SHARED_COST", false) => continue,
                    (true, "FIXED_LINE", true) => LANDLINE_6_TO_9,
                    (true, "FIXED_LINE_OR_MOBILE", true) => EITHER,
                    (false, _, false) if raw.starts_with("+910") => TRUNK_ZERO,
                    (false, _, false) => NO_SERIES,
                    _ => "unexplained",
                }
            }
            (Err(_), false) => {
                refused += 1;
                continue;
            }
            (Err(ContactError::PhoneLength { digits: 14 }), true) if kind == "TOLL_FREE" => TWELVE,
            (Err(_), true) => "unexplained",
        };
        differences.entry(class).or_default().push(raw.to_owned());
    }
    // What both refuse has too few digits (178, of them 125 without +91: an area code is missing) or
    // too many (59).
    assert_eq!((count, accepted, refused), (3_999, 3_761, 237));
    check(&differences, &[(TWELVE, 1), (NO_SERIES, 15), (TRUNK_ZERO, 3), (LANDLINE_6_TO_9, 229), (EITHER, 287)]);
}

const TYPED: &str = "accepted here, invalid there: as people type it, without +91 or with spaces, dashes, a leading 0. \
     That project takes E.164 only; DOMAIN normalises";

#[test]
fn phones_of_a_public_test_suite() {
    let Some(text) = shared("id_vectors/phone_care.csv") else { return };
    let mut differences = BTreeMap::<_, Vec<String>>::new();
    let mut count = 0;
    for row in rows(&text) {
        let [raw, kind, expected] = row[..] else { panic!("a row of another shape: {row:?}") };
        count += 1;
        let ours = raw.parse::<Phone>().is_ok_and(|phone| kind != "indian_mobile" || phone.is_mobile());
        let class = match (ours, expected == "valid") {
            (true, true) | (false, false) => continue,
            (true, false) if !raw.starts_with("+91") || raw.contains(' ') => TYPED,
            _ => "unexplained",
        };
        differences.entry(class).or_default().push(format!("{raw} as {kind}"));
    }
    assert_eq!(count, 29);
    check(&differences, &[(TYPED, 8)]);
}

#[test]
fn every_mobile_series_is_mobile() {
    let Some(text) = shared("id_vectors/libphonenumber_carrier_91.csv") else { return };
    let mut count = 0;
    for row in rows(&text) {
        count += 1;
        let phone: Phone = format!("+{:0<12}", row[0]).parse().unwrap();
        assert!(phone.is_mobile(), "{}", row[0]);
    }
    assert_eq!(count, 3_257);
}

#[test]
fn phones_as_people_write_them() {
    let accepted = [
        ("9876543210", "+919876543210"),
        ("  98765-43210 ", "+919876543210"),
        ("(+91) 98765 43210", "+919876543210"),
        ("+91-(0)22-2654 3210", "+912226543210"),
        ("091 98765 43210", "+919876543210"),
        ("00 91 98765 43210", "+919876543210"),
        ("022‑2654‑3210", "+912226543210"),
        // A number copied out of a phone's contacts brings direction marks along.
        ("\u{202a}+91 98765 43210\u{202c}", "+919876543210"),
        // Ten digits that begin with 91 keep it, with or without a prefix.
        ("9198765432", "+919198765432"),
        ("919198765432", "+919198765432"),
        // Toll-free and shared numbers have ten or eleven digits.
        ("1800 425 0018", "+9118004250018"),
        ("1860-266-6161", "+9118602666161"),
        ("1800 123 456", "+911800123456"),
        ("0 1800 425 0018", "+9118004250018"),
        ("+91 1800 425 0018", "+9118004250018"),
        // One number in ten scripts.
        ("९८७६५४३२१०", "+919876543210"),
        ("৯৮৭৬৫৪৩২১০", "+919876543210"),
        ("੯੮੭੬੫੪੩੨੧੦", "+919876543210"),
        ("૯૮૭૬૫૪૩૨૧૦", "+919876543210"),
        ("୯୮୭୬୫୪୩୨୧୦", "+919876543210"),
        ("௯௮௭௬௫௪௩௨௧௦", "+919876543210"),
        ("౯౮౭౬౫౪౩౨౧౦", "+919876543210"),
        ("೯೮೭೬೫೪೩೨೧೦", "+919876543210"),
        ("൯൮൭൬൫൪൩൨൧൦", "+919876543210"),
        ("۹۸۷۶۵۴۳۲۱۰", "+919876543210"),
    ];
    for (raw, normal) in accepted {
        assert_eq!(raw.parse::<Phone>().as_ref().map(Phone::as_str), Ok(normal), "{raw}");
    }
    let refused = [
        ("", ContactError::PhoneLength { digits: 0 }),
        ("+", ContactError::PhoneCountry),
        ("0987654321", ContactError::PhoneLength { digits: 10 }),
        // A landline without its area code, also behind +91: no ten digits that begin with 91.
        ("2654 3210", ContactError::PhoneLength { digits: 8 }),
        ("+91 2654 3210", ContactError::PhoneLength { digits: 10 }),
        ("98765 432101", ContactError::PhoneLength { digits: 11 }),
        ("1800 4250 0018", ContactError::PhoneLength { digits: 12 }),
        ("1800 12345", ContactError::PhoneLength { digits: 9 }),
        // Ten digits after the + are no Indian number, but one of Singapore.
        ("+65 9123 4567", ContactError::PhoneCountry),
        ("+1 800 555 1234", ContactError::PhoneCountry),
        ("0044 7123 456789", ContactError::PhoneLength { digits: 14 }),
        ("++91 98765 43210", ContactError::PhoneCharacter('+')),
        ("98765 43210 x12", ContactError::PhoneCharacter('x')),
        ("98765 43210 / 11", ContactError::PhoneCharacter('/')),
        ("98765\u{0}43210", ContactError::PhoneCharacter('\0')),
    ];
    for (raw, error) in refused {
        assert_eq!(raw.parse::<Phone>(), Err(error), "{raw}");
    }
}

#[test]
fn shapes_of_e_mail_addresses() {
    let accepted = [
        ("asha@example.in", "asha@example.in"),
        ("  Asha.Patel+shop@EXAMPLE.Co.In ", "Asha.Patel+shop@example.co.in"),
        ("o'brien_99@mail-1.example.in", "o'brien_99@mail-1.example.in"),
        ("1@1a.in", "1@1a.in"),
        ("a@xn--p1b6ci4b4b3a.xn--h2brj9c", "a@xn--p1b6ci4b4b3a.xn--h2brj9c"),
        ("आशा@उदाहरण.भारत", "आशा@उदाहरण.भारत"),
        ("ஆஷா@எடுத்துக்காட்டு.இந்தியா", "ஆஷா@எடுத்துக்காட்டு.இந்தியா"),
        // A joiner is part of words in Indian scripts.
        ("क्\u{200d}ष@उदाहरण.भारत", "क्\u{200d}ष@उदाहरण.भारत"),
    ];
    for (raw, normal) in accepted {
        assert_eq!(raw.parse::<Email>().as_ref().map(Email::as_str), Ok(normal), "{raw}");
    }
    let label = |length: usize| "d".repeat(length);
    let long_local = format!("{}@example.in", "x".repeat(65));
    let long_label = format!("a@{}.in", label(64));
    let long_whole = format!("{}@{}.{}.{}.in", "x".repeat(64), label(63), label(63), label(59));
    // In lower case each of these letters is one byte longer, and the label too long.
    let grows = format!("a@{}.in", "İ".repeat(31));
    let refused = [
        ("", "no @"),
        ("asha", "no @"),
        ("@example.in", "nothing before the @"),
        ("asha@", "nothing after it"),
        ("asha@localhost", "one label is no domain that mail reaches from outside"),
        ("asha@example.in.", "trailing dot"),
        ("asha@.in", "empty label"),
        ("asha@example..in", "empty label"),
        ("asha@-example.in", "a label begins with a dash"),
        ("asha@example-.in", "a label ends with a dash"),
        ("asha@exa_mple.in", "no host has an underscore"),
        (".asha@example.in", "begins with a dot"),
        ("asha.@example.in", "ends with a dot"),
        ("asha..p@example.in", "two dots"),
        ("asha@@example.in", "two @"),
        ("asha@p@example.in", "two @"),
        ("asha p@example.in", "a space"),
        ("\"asha p\"@example.in", "quoted: allowed by the standard, used by nobody but attackers"),
        ("asha(home)@example.in", "comment"),
        ("Asha <asha@example.in>", "a name with an address"),
        ("mailto:asha@example.in", "a link"),
        ("asha@example.in,ravi@example.in", "two addresses"),
        ("asha@[192.0.2.1]", "address of a machine"),
        ("asha@[IPv6:2001:db8::1]", "address of a machine"),
        ("asha@192.0.2.1", "address of a machine, without brackets"),
        ("asha@example.123", "no top-level domain is a number"),
        ("asha\u{200b}@example.in", "an invisible character"),
        ("asha\u{ad}p@example.in", "an invisible character"),
        ("\u{202e}ahsa@example.in", "a turning character"),
        ("asha＠example.in", "a wide @"),
        ("asha@example。in", "another script's dot, which the name service takes for one"),
        ("asha\0@example.in", "a control character"),
        ("asha\r\nBcc:x@example.in", "a line break"),
        (long_local.as_str(), "65 before the @"),
        (long_label.as_str(), "a label of 64"),
        (long_whole.as_str(), "255 in all"),
        (grows.as_str(), "a label of 93 bytes once it is in lower case"),
    ];
    for (raw, why) in refused {
        assert!(matches!(raw.parse::<Email>(), Err(ContactError::Email(_))), "{why}: {raw}");
    }
    let longest = format!("{}@{}.{}.{}.in", "x".repeat(64), label(63), label(63), label(58));
    assert_eq!(longest.len(), 254);
    assert!(longest.parse::<Email>().is_ok());
}

/// All that errors say by themselves.
const WORDS: &str = "a phone number needs ten digits after +91 (1800 and 1860 also eleven), this one has  in all \
     a phone number with a + needs +91 a phone number cannot contain ` an e-mail address needs an @ \
     has at most 64 characters before the @ and 254 in all \
     needs letters, digits or one of !#$%&'*+-/=?^_`{|}~. before the @ needs a domain such as example.in after the @";

/// No four characters of the input stand in the error, unless they are its own words.
fn tells_nothing(input: &str, error: &ContactError) -> Result<(), TestCaseError> {
    let text = error.to_string();
    let input: Vec<char> = input.chars().collect();
    for window in input.windows(4) {
        let window: String = window.iter().collect();
        prop_assert!(!text.contains(&window) || WORDS.contains(&window), "{text}");
    }
    Ok(())
}

/// Digits, signs and prefixes, so that many texts are nearly numbers.
fn nearly_a_phone() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => "[0-9]{1,5}",
        1 => "[०-९]{1,5}",
        1 => prop::sample::select(vec!["+91", "0091", "91", "0", "+", "1800", "1860", " ", "-", "(", ")", "x"])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

fn checked_phone(raw: &str) -> Result<(), TestCaseError> {
    match raw.parse::<Phone>() {
        Ok(phone) => {
            let text = phone.as_str();
            prop_assert_eq!(text.parse::<Phone>(), Ok(phone.clone()));
            let national = text.strip_prefix("+91").unwrap_or_default();
            prop_assert!(national.bytes().all(|b| b.is_ascii_digit()) && !national.starts_with('0'), "{}", text);
            let special = national.starts_with("1800") || national.starts_with("1860");
            prop_assert!(national.len() == 10 || national.len() == 11 && special, "{}", text);
            prop_assert_eq!(phone.is_mobile(), ('6'..='9').any(|first| national.starts_with(first)));
            // With any of the prefixes it is the same number.
            for prefix in ["+91", "91", "0091", "091", "0", "+91 0", ""] {
                prop_assert_eq!(format!("{prefix}{national}").parse::<Phone>(), Ok(phone.clone()), "{}", prefix);
            }
            let json = serde_json::to_string(&phone).unwrap();
            prop_assert_eq!(serde_json::from_str::<Phone>(&json).unwrap(), phone);
        }
        Err(error) => tells_nothing(raw, &error)?,
    }
    Ok(())
}

fn checked_email(raw: &str) -> Result<(), TestCaseError> {
    match raw.parse::<Email>() {
        Ok(email) => {
            let again = email.as_str().parse::<Email>();
            prop_assert_eq!(again.as_ref().map(Email::as_str), Ok(email.as_str()));
            prop_assert_eq!(again.map(|again| again.key()), Ok(email.key()));
            prop_assert!(email.as_str().len() <= 254);
            let json = serde_json::to_string(&email).unwrap();
            prop_assert_eq!(serde_json::from_str::<Email>(&json).unwrap(), email);
        }
        Err(error) => tells_nothing(raw, &error)?,
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn nearly_phones_stay_what_they_are(raw in nearly_a_phone()) { checked_phone(&raw)?; }

    #[test]
    fn every_ten_digits_are_a_phone(raw in "[1-9][0-9]{9}|18[06]0[0-9]{7}") {
        prop_assert!(raw.parse::<Phone>().is_ok());
        checked_phone(&raw)?;
    }

    #[test]
    fn nearly_e_mails_stay_what_they_are(
        raw in "[a-zA-Zİßआशा.+\u{200b}]{1,70}@([a-zA-Z0-9İẞΣआशा-]{1,40}\\.){0,8}(in|भारत|[0-9]{1,3}|İ{1,40})\\.?"
    ) { checked_email(&raw)?; }

    #[test]
    fn garbage_never_panics_and_never_comes_back(raw in any::<String>(), more in "\\PC{0,80}") {
        for text in [&raw, &more, &format!("{raw}@{more}"), &format!("+91{raw}")] {
            checked_phone(text)?;
            checked_email(text)?;
        }
    }
}
