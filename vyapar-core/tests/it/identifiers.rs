//! Indian identifiers against public vectors, and the whole directory of PIN codes.
//!
//! The sets lie beside the repository (`../shared/data`); without them the tests that need them
//! say so and pass.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use vyapar_core::geo::geocoder::{PinRow, PinRowError, PinTable};
use vyapar_core::geo::{Coordinates, CoordinatesWarning};
use vyapar_core::india::{Gstin, GstinKind, HsnCode, PinCode, PinWarning, StateCode};
use vyapar_core::inventory::{Barcode, BarcodeError};

use crate::contacts::shared;
use crate::geography::split_quoted;

fn rows(text: &str) -> impl Iterator<Item = Vec<String>> {
    text.lines().skip(1).filter(|line| !line.is_empty()).map(split_quoted)
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

#[test]
fn gst_numbers_of_public_test_suites() {
    let Some(text) = shared("id_vectors/gstin.csv") else { return };
    let (mut accepted, mut refused) = (0, 0);
    for row in rows(&text) {
        let [gstin, expected, reason, _, second] = &row[..] else { panic!("{row:?}") };
        let ours = gstin.parse::<Gstin>();
        // No difference, neither with the suites nor with the second opinion.
        assert_eq!(ours.is_ok(), expected == "valid", "{gstin}: {reason}");
        assert_eq!(ours.is_ok(), second == "valid", "{gstin}: {second}");
        match ours {
            Ok(ours) => {
                accepted += 1;
                assert_eq!((ours.kind(), ours.pan()), (GstinKind::Taxpayer, gstin.get(2..12)));
                assert!(gstin.starts_with(ours.state().as_str()));
            }
            Err(_) => refused += 1,
        }
    }
    assert_eq!((accepted, refused), (21, 8));
}

const WRONG_CHECK: &str = "refused here, \"valid\" there: the check character is wrong. Those tests look at the pattern \
     only; the second opinion (python-stdnum) refuses all of them too";

#[test]
fn gst_numbers_that_are_called_valid() {
    let Some(text) = shared("id_vectors/gstin_claimed_valid_but_checksum.csv") else { return };
    let mut differences = BTreeMap::<_, Vec<String>>::new();
    let mut count = 0;
    for row in rows(&text) {
        let [gstin, claimed, _, second] = &row[..] else { panic!("{row:?}") };
        count += 1;
        assert_eq!(claimed, "valid");
        let ours = gstin.parse::<Gstin>().is_ok();
        assert_eq!(ours, second == "valid", "{gstin}: the second opinion is {second}");
        if !ours {
            differences.entry(WRONG_CHECK).or_default().push(gstin.clone());
        }
    }
    assert_eq!(count, 19);
    check(&differences, &[(WRONG_CHECK, 15)]);
}

const UNALLOCATED: &str = "accepted here, invalid there: first two digits that no post office has. DOMAIN asks for the \
     shape only and makes the rest a warning, which each of these has";

#[test]
fn pin_codes_of_public_test_suites() {
    let Some(text) = shared("id_vectors/pincode.csv") else { return };
    let mut differences = BTreeMap::<_, Vec<String>>::new();
    let mut count = 0;
    let delhi: StateCode = "07".parse().unwrap();
    for row in rows(&text) {
        let [value, expected, _] = &row[..] else { panic!("{row:?}") };
        count += 1;
        let unallocated = |pin: &PinCode| pin.warning(&delhi) == Some(PinWarning::Unallocated);
        let class = match (value.parse::<PinCode>(), expected == "valid") {
            (Ok(pin), true) if !unallocated(&pin) => continue,
            (Err(_), false) => continue,
            (Ok(pin), false) if unallocated(&pin) => UNALLOCATED,
            _ => "unexplained",
        };
        differences.entry(class).or_default().push(value.clone());
    }
    assert_eq!(count, 19);
    check(&differences, &[(UNALLOCATED, 11)]);
}

const CARTON: &str = "refused here, valid there: 14 digits name a carton (ITF-14) and not what is sold over the \
     counter";

#[test]
fn barcodes_of_public_test_suites() {
    let Some(text) = shared("id_vectors/ean.csv") else { return };
    let mut differences = BTreeMap::<_, Vec<String>>::new();
    let (mut accepted, mut reasons) = (0, BTreeMap::<_, usize>::new());
    for row in rows(&text) {
        let [value, expected, _] = &row[..] else { panic!("{row:?}") };
        let class = match (value.parse::<Barcode>(), expected == "valid") {
            (Ok(barcode), true) => {
                assert_eq!(barcode.as_str(), value);
                accepted += 1;
                continue;
            }
            (Err(BarcodeError::Length { digits: 14, .. }), true) => CARTON,
            (Err(why), false) => {
                assert!(why.to_string().contains(value.as_str()), "{why}");
                let reason = match why {
                    BarcodeError::CheckDigit { .. } => "check digit",
                    BarcodeError::Length { .. } => "length",
                    BarcodeError::NotADigit { .. } => "not a digit",
                    _ => "unexplained",
                };
                *reasons.entry(reason).or_default() += 1;
                continue;
            }
            _ => "unexplained",
        };
        differences.entry(class).or_default().push(value.clone());
    }
    assert_eq!((accepted, reasons), (7, BTreeMap::from([("check digit", 4), ("length", 1), ("not a digit", 1)])));
    check(&differences, &[(CARTON, 4)]);
}

/// Packs of a public database: those from India, and those whose check digit is wrong by the rule
/// of another library.
#[test]
fn barcodes_of_real_packs() {
    let first = |text: &str| text.lines().skip(1).filter_map(|row| Some(row.split_once(',')?.0.to_owned())).collect();
    let barcode = |cell: &String| cell.len() == 13 && cell.bytes().all(|b| b.is_ascii_digit());
    let Some(bad) = shared("off_barcodes/off_ean13_bad_checkdigit.csv") else { return };
    let bad: Vec<String> = first(&bad);
    let (mut count, mut wrong) = (0, 0);
    for code in bad.iter().filter(|cell| barcode(cell)) {
        count += 1;
        wrong += usize::from(matches!(code.parse::<Barcode>(), Err(BarcodeError::CheckDigit { .. })));
    }
    assert_eq!((count, wrong), (1_932, 1_932));

    let Some(india) = shared("off_barcodes/off_india_890.csv") else { return };
    let india: Vec<String> = first(&india);
    let india: Vec<_> = india.iter().filter(|cell| barcode(cell)).map(|code| code.parse::<Barcode>()).collect();
    assert_eq!((india.len(), india.iter().filter(|parsed| parsed.is_err()).count()), (666, 0));
}

#[test]
fn coordinates_as_text_of_a_public_test_suite() {
    let Some(text) = shared("id_vectors/latlong_strings.csv") else { return };
    let (mut accepted, mut refused) = (0, 0);
    for row in rows(&text) {
        let [value, expected, _] = &row[..] else {
            // The last row is a blank value without quotes, which its own comma splits.
            assert_eq!(row, [" ", "invalid", "validator.js isLatLong"]);
            continue;
        };
        let ours = value.parse::<Coordinates>();
        assert_eq!(ours.is_ok(), expected == "valid", "{value}: {ours:?}");
        if ours.is_ok() { accepted += 1 } else { refused += 1 }
    }
    assert_eq!((accepted, refused), (22, 29));
}

const CHAPTER: &str = "refused here: a chapter (two digits), which is a heading of the list and no code of goods";
const LOST_ZERO: &str = "refused here: five or seven digits, the leading zero is lost (as the set's own notes say)";
const SPACED: &str = "refused here: a space inside. Two codes in one cell look the same, and joining them would make a \
     third";

#[test]
fn hsn_codes_of_the_master_list() {
    let Some(text) = shared("hsn_gst/hsn_master.csv") else { return };
    let mut differences = BTreeMap::<_, Vec<String>>::new();
    let (mut count, mut zero) = (0, 0);
    for row in text.lines().skip(1) {
        let Some((code, _)) = row.split_once(',') else { continue };
        // Descriptions with line breaks go on in the next line, which begins with a word.
        if !code.starts_with(|c: char| c.is_ascii_digit()) || !code.bytes().all(|b| b.is_ascii_digit() || b == b' ') {
            continue;
        }
        count += 1;
        let class = match (code.parse::<HsnCode>(), code.len()) {
            (Ok(hsn), _) => {
                assert_eq!(hsn.as_str(), code);
                zero += usize::from(hsn.as_str().starts_with('0'));
                continue;
            }
            (Err(_), 2) => CHAPTER,
            (Err(_), 7) if code.contains(' ') => SPACED,
            (Err(_), 5 | 7) => LOST_ZERO,
            (Err(_), _) => "unexplained",
        };
        differences.entry(class).or_default().push(code.to_owned());
    }
    println!("{zero} codes begin with a zero and keep it");
    assert_eq!(count, 16_311);
    check(&differences, &[(CHAPTER, 69), (LOST_ZERO, 4), (SPACED, 1)]);
}

/// The directory, unpacked by the system's gzip: core has no use for a decompressor otherwise.
pub(crate) fn post_offices() -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/pincodes/post_offices.tsv.gz");
    if !path.exists() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    match Command::new("gzip").arg("-dc").arg(&path).output() {
        Ok(output) if output.status.success() => Some(String::from_utf8(output.stdout).expect("UTF-8")),
        other => {
            println!("skipped: no gzip that reads {} ({other:?})", path.display());
            None
        }
    }
}

/// One post office: PIN, state, latitude, longitude.
fn offices(text: &str) -> impl Iterator<Item = [&str; 4]> {
    text.lines().skip(1).map(|line| {
        let cells: Vec<_> = line.split('\t').collect();
        let [pin, _, _, _, _, state, latitude, longitude, _] = cells[..] else { panic!("{line}") };
        [pin, state, latitude, longitude]
    })
}

const BORDER: &str = "a warning here: the directory puts some offices of a sorting district into a neighbouring state, \
     fewer than 1 in 20 (Telangana and Andhra Pradesh, one state until 2014, are most)";
const FAR: &str = "a warning here: the directory puts single offices into a state that does not touch the district, \
     its mistakes";

#[test]
fn every_post_office_of_the_directory() {
    let Some(text) = post_offices() else { return };
    let (mut count, mut blank_state, mut usual) = (0, 0, 0);
    let mut differences = BTreeMap::<_, Vec<String>>::new();
    for [pin, state, ..] in offices(&text) {
        count += 1;
        let parsed: PinCode = pin.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(parsed.as_str(), pin);
        if state.is_empty() {
            blank_state += 1;
            assert!(!parsed.usual_states().is_empty());
            continue;
        }
        let state = StateCode::from_name(state).unwrap_or_else(|| panic!("no state is called {state}"));
        let class = match parsed.warning(&state) {
            None => {
                usual += 1;
                continue;
            }
            Some(PinWarning::AnotherState { usual, .. }) => {
                let near =
                    [("36", "37"), ("37", "36"), ("17", "18"), ("09", "07"), ("09", "10"), ("08", "24"), ("32", "33")];
                let touches = usual.iter().any(|usual| near.contains(&(state.as_str(), usual.as_str())));
                if touches { BORDER } else { FAR }
            }
            Some(PinWarning::Unallocated) => "unexplained",
        };
        differences.entry(class).or_default().push(format!("{pin} {}", state.name()));
    }
    assert_eq!((count, blank_state, usual), (133_380, 88, 133_229));
    check(&differences, &[(BORDER, 44), (FAR, 19)]);
}

#[test]
fn a_table_of_the_whole_directory() {
    let Some(text) = post_offices() else { return };
    let rows = offices(&text).map(|[pincode, _, latitude, longitude]| PinRow { pincode, latitude, longitude });
    let load = PinTable::load(rows);
    let mut reasons = BTreeMap::new();
    for refused in &load.refused {
        *reasons.entry(refused.reason).or_insert(0) += 1;
    }
    // The directory has no point at 0,0 or outside India: its authors took those out.
    assert_eq!(reasons, BTreeMap::from([(PinRowError::Missing, 11_597)]));
    println!("{} PIN codes", load.table.len());
    let pin = |pin: &str| load.table.get(&pin.parse().unwrap()).unwrap();
    let parliament = Coordinates::new(28.6172, 77.2082).unwrap();
    assert!(pin("110001").distance_km(parliament) < 3.0);
}

const ZERO: &str = "a warning here: 0,0 for PIN codes whose place that package does not know";
const OUTSIDE: &str = "a warning here: a point in China for a PIN code of Sikkim";

#[test]
fn a_second_table_of_points() {
    let Some(text) = shared("pincodes/pincode_latlng_npm.csv") else { return };
    let mut warnings = BTreeMap::<_, Vec<String>>::new();
    let mut count = 0;
    for row in rows(&text) {
        let [pin, latitude, longitude] = &row[..] else { panic!("{row:?}") };
        count += 1;
        assert!(pin.parse::<PinCode>().is_ok(), "{pin}");
        let point = Coordinates::new(latitude.parse().unwrap(), longitude.parse().unwrap());
        let class = match point.as_ref().map(|point| point.warning()) {
            Ok(None) => continue,
            Ok(Some(CoordinatesWarning::OutsideIndia)) => OUTSIDE,
            Ok(Some(CoordinatesWarning::ProbablySwapped)) => "unexplained",
            Ok(Some(CoordinatesWarning::NullIsland)) => ZERO,
            Err(_) => "unexplained",
        };
        warnings.entry(class).or_default().push(format!("{pin} {latitude} {longitude}"));
    }
    assert_eq!(count, 14_933);
    check(&warnings, &[(ZERO, 133), (OUTSIDE, 1)]);
}
