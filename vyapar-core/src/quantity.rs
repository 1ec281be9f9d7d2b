//! Quantities of stock and the precision of their unit.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::text_enum::text_enum;

/// Why a quantity was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Zero or less where goods change hands.
    #[error("`{0}` is not more than zero")]
    NotPositive(String),
    /// More decimals than the unit has.
    #[error("`{quantity}` has more than {decimals} decimals, the precision of `{unit}`")]
    TooPrecise {
        /// The refused quantity.
        quantity: String,
        /// The unit's name, or `stock` when no unit is known yet.
        unit: &'static str,
        /// How many decimals the unit has.
        decimals: u32,
    },
    /// Not a decimal number.
    #[error("`{0}` is not a quantity")]
    NotANumber(String),
    /// Below zero where only zero or more makes sense.
    #[error("`{0}` is below zero")]
    Negative(String),
    /// Beyond [`Quantity::MAX`].
    #[error("a quantity beyond {max}", max = Quantity::MAX)]
    Overflow,
}

text_enum! {
    /// The unit that a product's stock is counted in (`store_products.stock_unit`).
    ///
    /// Not the pack's `size_unit`: five 1 kg packs are 5 pieces.
    StockUnit ("stock unit") {
        /// Whole pieces, no decimals.
        Piece = "piece",
        /// Kilograms to the gram.
        Kg = "kg",
        /// Litres to the millilitre.
        Litre = "litre",
        /// Metres to the millimetre.
        Metre = "metre",
    }
}

impl StockUnit {
    /// Decimals a quantity of this unit may have.
    #[must_use]
    pub const fn decimals(self) -> u32 {
        match self {
            Self::Piece => 0,
            Self::Kg | Self::Litre | Self::Metre => 3,
        }
    }

    /// The quantity, if goods in it can change hands: more than zero and no finer than the unit.
    ///
    /// # Errors
    /// [`QuantityError::NotPositive`], [`QuantityError::TooPrecise`].
    pub fn check(self, quantity: Quantity) -> Result<Quantity, QuantityError> {
        if quantity.is_zero() {
            return Err(QuantityError::NotPositive(quantity.to_string()));
        }
        self.check_precision(quantity)
    }

    /// The quantity, if no finer than the unit; zero is fine (a shelf may be empty).
    ///
    /// # Errors
    /// [`QuantityError::TooPrecise`].
    pub fn check_precision(self, quantity: Quantity) -> Result<Quantity, QuantityError> {
        let step = 10_i64.pow(3 - self.decimals());
        if quantity.0 % step != 0 {
            return Err(QuantityError::TooPrecise {
                quantity: quantity.to_string(),
                unit: self.as_str(),
                decimals: self.decimals(),
            });
        }
        Ok(quantity)
    }
}

/// How much of something: zero or more, up to three decimals.
///
/// Held as whole thousandths, so 1,000 × 0.010 kg empties 10.000 kg exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Quantity(i64);

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// 99,99,99,999.999: fits `NUMERIC(12,3)`.
    pub const MAX: Self = Self(999_999_999_999);

    /// A quantity given in thousandths of its unit.
    ///
    /// # Errors
    /// [`QuantityError::Negative`], [`QuantityError::Overflow`].
    pub fn from_thousandths(thousandths: i64) -> Result<Self, QuantityError> {
        if thousandths < 0 {
            return Err(QuantityError::Negative(Decimal::new(thousandths, 3).normalize().to_string()));
        }
        if thousandths > Self::MAX.0 {
            return Err(QuantityError::Overflow);
        }
        Ok(Self(thousandths))
    }

    /// So many whole units.
    #[must_use]
    pub const fn units(count: u32) -> Self {
        // u32::MAX thousand is beyond MAX only above 999,999,999 units: clamp by contract.
        let thousandths = count as i64 * 1000;
        if thousandths > Self::MAX.0 { Self::MAX } else { Self(thousandths) }
    }

    /// The quantity in thousandths.
    #[must_use]
    pub const fn thousandths(self) -> i64 {
        self.0
    }

    /// Nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`QuantityError::Overflow`] beyond [`Quantity::MAX`].
    pub fn plus(self, other: Self) -> Result<Self, QuantityError> {
        // Both are at most MAX, so the sum fits an i64.
        Self::from_thousandths(self.0 + other.0)
    }

    /// The difference, or `None` below zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        (self.0 >= other.0).then(|| Self(self.0 - other.0))
    }

    /// This much coming in.
    #[must_use]
    pub const fn inward(self) -> QuantityDelta {
        QuantityDelta(self.0)
    }

    /// This much going out.
    #[must_use]
    pub const fn outward(self) -> QuantityDelta {
        QuantityDelta(-self.0)
    }

    /// How far it is from `other` to `self`.
    #[must_use]
    pub const fn since(self, other: Self) -> QuantityDelta {
        QuantityDelta(self.0 - other.0)
    }
}

/// A change of a quantity: + in, − out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct QuantityDelta(i64);

impl QuantityDelta {
    /// No change.
    pub const ZERO: Self = Self(0);

    /// A change given in thousandths.
    ///
    /// # Errors
    /// [`QuantityError::Overflow`] beyond ±[`Quantity::MAX`].
    pub const fn from_thousandths(thousandths: i64) -> Result<Self, QuantityError> {
        if thousandths > Quantity::MAX.0 || thousandths < -Quantity::MAX.0 {
            return Err(QuantityError::Overflow);
        }
        Ok(Self(thousandths))
    }

    /// The change in thousandths.
    #[must_use]
    pub const fn thousandths(self) -> i64 {
        self.0
    }

    /// How much it is, whichever way it goes.
    #[must_use]
    pub const fn magnitude(self) -> Quantity {
        Quantity(self.0.abs())
    }

    /// Whether it goes out.
    #[must_use]
    pub const fn is_outward(self) -> bool {
        self.0 < 0
    }

    /// `quantity` after this change: `None` below zero.
    ///
    /// # Errors
    /// [`QuantityError::Overflow`] beyond [`Quantity::MAX`].
    pub fn applied_to(self, quantity: Quantity) -> Result<Option<Quantity>, QuantityError> {
        let after = quantity.0 + self.0;
        if after < 0 { Ok(None) } else { Quantity::from_thousandths(after).map(Some) }
    }
}

fn thousandths_of(value: Decimal) -> Result<i64, QuantityError> {
    let scaled = value.checked_mul(Decimal::ONE_THOUSAND).ok_or(QuantityError::Overflow)?;
    if !scaled.fract().is_zero() {
        return Err(QuantityError::TooPrecise { quantity: value.to_string(), unit: "stock", decimals: 3 });
    }
    i64::try_from(scaled).map_err(|_| QuantityError::Overflow)
}

fn write(thousandths: i64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let sign = if thousandths < 0 { "-" } else { "" };
    let (whole, part) = (thousandths.unsigned_abs() / 1000, thousandths.unsigned_abs() % 1000);
    // Most are whole and shown without a width: then there is nothing to pad and to allocate for.
    if part == 0 && f.width().is_none() && f.precision().is_none() {
        return write!(f, "{sign}{whole}");
    }
    if part == 0 {
        return f.pad(&format!("{sign}{whole}"));
    }
    f.pad(format!("{sign}{whole}.{part:03}").trim_end_matches('0'))
}

impl TryFrom<Decimal> for Quantity {
    type Error = QuantityError;
    fn try_from(value: Decimal) -> Result<Self, QuantityError> {
        Self::from_thousandths(thousandths_of(value)?)
    }
}
impl From<Quantity> for Decimal {
    fn from(value: Quantity) -> Self {
        Self::new(value.0, 3)
    }
}
impl TryFrom<Decimal> for QuantityDelta {
    type Error = QuantityError;
    fn try_from(value: Decimal) -> Result<Self, QuantityError> {
        Self::from_thousandths(thousandths_of(value)?)
    }
}
impl From<QuantityDelta> for Decimal {
    fn from(value: QuantityDelta) -> Self {
        Self::new(value.0, 3)
    }
}
impl FromStr for Quantity {
    type Err = QuantityError;
    fn from_str(s: &str) -> Result<Self, QuantityError> {
        let value =
            Decimal::from_str_exact(s.trim()).map_err(|_| QuantityError::NotANumber(s.chars().take(64).collect()))?;
        Self::try_from(value)
    }
}
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(self.0, f)
    }
}
impl fmt::Display for QuantityDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > 0 {
            f.write_str("+")?;
        }
        write(self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_refuses_what_it_cannot_count() {
        let half: Quantity = "0.5".parse().unwrap();
        assert_eq!(StockUnit::Kg.check(half), Ok(half));
        let err = StockUnit::Piece.check(half).unwrap_err();
        assert_eq!(err.to_string(), "`0.5` has more than 0 decimals, the precision of `piece`");
        assert!(matches!(StockUnit::Kg.check(Quantity::ZERO), Err(QuantityError::NotPositive(_))));
        assert!(matches!("0.0005".parse::<Quantity>(), Err(QuantityError::TooPrecise { .. })));
        assert!(matches!("-1".parse::<Quantity>(), Err(QuantityError::Negative(_))));
        assert_eq!("1000000000".parse::<Quantity>(), Err(QuantityError::Overflow));
    }

    #[test]
    fn a_thousand_times_ten_grams_empty_ten_kilograms() {
        let step: Quantity = "0.010".parse().unwrap();
        let mut left: Quantity = "10".parse().unwrap();
        for _ in 0..1000 {
            left = left.minus(step).unwrap();
        }
        assert!(left.is_zero());
        assert_eq!(left.minus(step), None);
    }

    #[test]
    fn prints_without_trailing_zeros() {
        assert_eq!("2.500".parse::<Quantity>().unwrap().to_string(), "2.5");
        assert_eq!(Quantity::units(3).outward().to_string(), "-3");
        assert_eq!(Quantity::units(3).inward().to_string(), "+3");
        // Padded where a width is asked for, as any text.
        let shown = |quantity: &str| format!("{:4}|{0:+}", quantity.parse::<Quantity>().unwrap());
        assert_eq!((shown("3"), shown("2.5")), ("3   |3".to_owned(), "2.5 |2.5".to_owned()));
    }
}
