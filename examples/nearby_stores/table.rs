//! The answer as a table.

use chrono::{DateTime, FixedOffset};
use vyapar::geo::Coordinates;
use vyapar::store::{BusinessHours, DeliveryCheck, DeliveryRefusal, NearbyStore, Rating};
use vyapar::time::{in_ist, ist_date};
use vyapar::{Actor, Timestamp, Vyapar};

use crate::Outcome;

/// Heading of each column, and whether it is set to the right.
const COLUMNS: [(&str, bool); 7] = [
    ("", true),
    ("shop", false),
    ("type", false),
    ("km", true),
    ("rating", true),
    ("hours", false),
    ("delivery", false),
];

pub(crate) type Row = [String; COLUMNS.len()];

/// A row a shop; whether it delivers is asked of the library, not worked out here.
pub(crate) async fn rows(
    vyapar: &Vyapar,
    stores: impl Iterator<Item = &NearbyStore>,
    centre: Coordinates,
    now: Timestamp,
) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for found in stores {
        let store = &found.store;
        let check = vyapar.stores().check_delivery(&Actor::anonymous(), store.id, Some(centre), None).await?;
        rows.push([
            (rows.len() + 1).to_string(),
            store.profile.store_name.clone(),
            store.profile.store_type.to_string(),
            format!("{:.2}", found.distance_km),
            rating(store.rating),
            hours(&store.profile.business_hours, now),
            delivery(&check, now),
        ]);
    }
    Ok(rows)
}

/// Always with two decimals, so that the column is even.
fn rating(rating: Rating) -> String {
    rating.mean().map_or_else(|| rating.to_string(), |mean| format!("{mean:.2} ({})", rating.count))
}

/// Open until when, or closed until when.
fn hours(hours: &BusinessHours, now: Timestamp) -> String {
    match (hours.closes_at(now), hours.opens_at(now)) {
        (Some(closes), _) => format!("open until {}", clock(closes, now)),
        (None, Some(opens)) if opens == now => "open day and night".to_owned(),
        (None, Some(opens)) => format!("opens {}", clock(opens, now)),
        (None, None) => "no hours for now".to_owned(),
    }
}

/// What a delivery costs and when it comes, or everything that speaks against it.
fn delivery(check: &DeliveryCheck, now: Timestamp) -> String {
    let against: Vec<_> = check.refusals.iter().map(|refusal| against(refusal, now)).collect();
    if !against.is_empty() {
        return format!("no: {}", against.join(", "));
    }
    let by = check.estimated_delivery.map_or_else(String::new, |at| format!(" by {}", clock(at, now)));
    let (fee, least) = (check.delivery_fee, check.min_order_amount);
    let fee = if fee.paise() == 0 { "free".to_owned() } else { format!("₹{fee}") };
    format!("yes{by}, {fee}, from ₹{least}")
}

/// A refusal in a few words; its own text says more.
fn against(refusal: &DeliveryRefusal, now: Timestamp) -> String {
    match refusal {
        DeliveryRefusal::Closed { opens_at: Some(at) } => format!("closed until {}", clock(*at, now)),
        DeliveryRefusal::Closed { opens_at: None } => "closed".to_owned(),
        DeliveryRefusal::TooFar { radius_km, .. } if radius_km.is_zero() => "does not deliver".to_owned(),
        DeliveryRefusal::TooFar { radius_km, .. } => format!("delivers within {} km", radius_km.normalize()),
        other => other.to_string(),
    }
}

/// A time as a person says it: the day only where it is not today.
fn clock(at: Timestamp, now: Timestamp) -> String {
    let there: DateTime<FixedOffset> = in_ist(at);
    let days = (ist_date(at) - ist_date(now)).num_days();
    match days {
        0 => there.format("%H:%M"),
        1..7 => there.format("%a %H:%M"),
        _ => there.format("%d %b %H:%M"),
    }
    .to_string()
}

/// The rows under their headings; nothing without rows.
pub(crate) fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let heading: Row = COLUMNS.map(|(name, _)| name.to_owned());
    let lines = || std::iter::once(&heading).chain(rows);
    let width = |column: usize| lines().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<_> = (0..COLUMNS.len()).map(|column| width(column).unwrap_or(0)).collect();
    let line = |row: &Row| {
        let cells = row.iter().zip(&widths).zip(COLUMNS).map(|((cell, width), (_, right))| match right {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rule = widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join("  ");
    let lines = [line(&heading), rule].into_iter().chain(rows.iter().map(line));
    lines.map(|line| line + "\n").collect()
}
