//! What customers gave a store (`stores.rating`): the exact mean of its reviews.

use std::fmt;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::id::ReviewId;

/// A number of stars that no review can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} stars, which is not 1 to 5")]
pub struct RatingError(pub u8);

/// What one review gives: 1 to 5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Stars(u8);

impl Stars {
    /// That many.
    ///
    /// # Errors
    /// [`RatingError`] for less than 1 or more than 5.
    pub const fn new(stars: u8) -> Result<Self, RatingError> {
        if matches!(stars, 1..=5) { Ok(Self(stars)) } else { Err(RatingError(stars)) }
    }

    /// How many.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Stars {
    type Error = RatingError;
    fn try_from(stars: u8) -> Result<Self, RatingError> {
        Self::new(stars)
    }
}
impl From<Stars> for u8 {
    fn from(stars: Stars) -> Self {
        stars.0
    }
}

/// What a review gives, as of a revision of it. A review belongs to one store for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReviewRating {
    /// Which review.
    pub review_id: ReviewId,
    /// Higher each time the review changes; the first is 1.
    pub revision: u64,
    /// What it gives; `None` once it is withdrawn.
    pub stars: Option<Stars>,
}

/// The sum and number of what reviews gave: the mean of them is exact whatever their number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rating {
    /// Sum of the stars.
    pub sum: u64,
    /// Number of reviews that count.
    pub count: u64,
}

impl Rating {
    /// The mean, 1 to 5, rounded half-up to two decimals; `None` without reviews.
    #[must_use]
    pub fn mean(self) -> Option<Decimal> {
        let mean = Decimal::from(self.sum).checked_div(Decimal::from(self.count))?;
        Some(mean.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
    }

    /// Whether the exact mean is at least `tenths` tenths of a star. A store without reviews has
    /// no mean: only 0 lets it through.
    #[must_use]
    pub const fn at_least(self, tenths: u8) -> bool {
        // Stars are at most 5 a review, so the products stay far below the limits.
        tenths == 0 || (self.count > 0 && self.sum.saturating_mul(10) >= self.count.saturating_mul(tenths as u64))
    }

    /// The rating after a review gave `now` in place of `before`.
    #[must_use]
    pub fn with(self, before: Option<Stars>, now: Option<Stars>) -> Self {
        let stars = |stars: Option<Stars>| stars.map_or(0, |stars| u64::from(stars.get()));
        let one = |stars: Option<Stars>| u64::from(stars.is_some());
        Self {
            sum: (self.sum + stars(now)).saturating_sub(stars(before)),
            count: (self.count + one(now)).saturating_sub(one(before)),
        }
    }
}

impl fmt::Display for Rating {
    /// `4.25 (8)`, or `unrated`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mean() {
            Some(mean) => write!(f, "{mean} ({})", self.count),
            None => f.write_str("unrated"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_exact() {
        let stars = |n| Some(Stars::new(n).unwrap());
        let rating = Rating::default().with(None, stars(5)).with(None, stars(4)).with(None, stars(4));
        assert_eq!(rating, Rating { sum: 13, count: 3 });
        assert_eq!(rating.to_string(), "4.33 (3)");
        assert!(rating.at_least(43) && !rating.at_least(44));
        let edited = rating.with(stars(4), stars(5));
        assert_eq!(edited.mean().unwrap().to_string(), "4.67");
        assert_eq!(edited.with(stars(5), None).with(stars(5), None).with(stars(4), None), Rating::default());
        assert_eq!(Rating::default().mean(), None);
        assert!(Rating::default().at_least(0) && !Rating::default().at_least(1));
        assert_eq!((Stars::new(0), Stars::new(6)), (Err(RatingError(0)), Err(RatingError(6))));
    }
}
