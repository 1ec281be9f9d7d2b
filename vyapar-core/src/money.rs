//! Money: Indian rupees to the paisa, checked.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::quantity::Quantity;

/// Why an amount of money was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// More than two decimals: rupees end at the paisa.
    #[error("`{0}` has more than 2 decimals")]
    TooPrecise(String),
    /// Not a decimal number.
    #[error("`{0}` is not an amount in rupees")]
    NotANumber(String),
    /// Beyond [`Money::MAX`] in either direction.
    #[error("an amount beyond ₹{max} in either direction", max = Money::MAX)]
    Overflow,
}

/// An amount in Indian rupees, exact to the paisa; may be negative.
///
/// Held as whole paise, so adding is exact and copying is free. Every operation that can
/// leave the range ±[`Money::MAX`] is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct Money(i64);

impl Money {
    /// ₹0.00.
    pub const ZERO: Self = Self(0);
    /// ₹99,99,99,99,99,999.99: fits `NUMERIC(15,2)` with room for sums in `i64`.
    pub const MAX: Self = Self(999_999_999_999_999);

    /// An amount given in paise.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] beyond ±[`Money::MAX`].
    pub const fn from_paise(paise: i64) -> Result<Self, MoneyError> {
        if paise > Self::MAX.0 || paise < -Self::MAX.0 { Err(MoneyError::Overflow) } else { Ok(Self(paise)) }
    }

    /// The amount in paise.
    #[must_use]
    pub const fn paise(self) -> i64 {
        self.0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] beyond ±[`Money::MAX`].
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        Self::from_paise(self.0.checked_add(other.0).ok_or(MoneyError::Overflow)?)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] beyond ±[`Money::MAX`].
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        Self::from_paise(self.0.checked_sub(other.0).ok_or(MoneyError::Overflow)?)
    }

    /// Price × quantity, half-up to the paisa (DOMAIN section 6).
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] beyond ±[`Money::MAX`].
    pub fn times(self, quantity: Quantity) -> Result<Self, MoneyError> {
        self.mul_div(i128::from(quantity.thousandths()), 1000)
    }

    /// `self × numerator / denominator`, half-up (away from zero at the half) to the paisa.
    pub(crate) fn mul_div(self, numerator: i128, denominator: i128) -> Result<Self, MoneyError> {
        let product = i128::from(self.0).checked_mul(numerator).ok_or(MoneyError::Overflow)?;
        let twice = product.checked_mul(2).ok_or(MoneyError::Overflow)?;
        let rounded = (twice.abs() + denominator) / (denominator * 2);
        let signed = if product < 0 { -rounded } else { rounded };
        Self::from_paise(i64::try_from(signed).map_err(|_| MoneyError::Overflow)?)
    }

    /// The part of this amount that `part` of `whole` has, half-up: shares of growing parts
    /// differ by exact refunds, and the last gives the whole (DOMAIN section 6).
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] beyond ±[`Money::MAX`], and for a share of nothing.
    pub fn share(self, part: Quantity, whole: Quantity) -> Result<Self, MoneyError> {
        if whole.is_zero() {
            return Err(MoneyError::Overflow);
        }
        self.mul_div(i128::from(part.thousandths()), i128::from(whole.thousandths()))
    }

    /// The sum of many.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] beyond ±[`Money::MAX`].
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }

    /// Below zero.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl TryFrom<Decimal> for Money {
    type Error = MoneyError;
    fn try_from(value: Decimal) -> Result<Self, MoneyError> {
        let paise = value.checked_mul(Decimal::ONE_HUNDRED).ok_or(MoneyError::Overflow)?;
        if !paise.fract().is_zero() {
            return Err(MoneyError::TooPrecise(value.to_string()));
        }
        Self::from_paise(i64::try_from(paise).map_err(|_| MoneyError::Overflow)?)
    }
}

impl From<Money> for Decimal {
    fn from(value: Money) -> Self {
        Self::new(value.0, 2)
    }
}

impl FromStr for Money {
    type Err = MoneyError;
    fn from_str(s: &str) -> Result<Self, MoneyError> {
        let decimal =
            Decimal::from_str_exact(s.trim()).map_err(|_| MoneyError::NotANumber(s.chars().take(64).collect()))?;
        Self::try_from(decimal)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let paise = self.0.unsigned_abs();
        f.pad(&format!("{sign}{}.{:02}", paise / 100, paise % 100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(text: &str) -> Money {
        text.parse().unwrap()
    }

    #[test]
    fn parses_exactly_and_refuses_the_rest() {
        assert_eq!(money("649.00").paise(), 64_900);
        assert_eq!(money("-0.05").to_string(), "-0.05");
        assert_eq!("1.005".parse::<Money>(), Err(MoneyError::TooPrecise("1.005".into())));
        assert!(matches!("₹5".parse::<Money>(), Err(MoneyError::NotANumber(_))));
        assert_eq!("99999999999999".parse::<Money>(), Err(MoneyError::Overflow));
        assert_eq!(Money::MAX.plus(money("0.01")), Err(MoneyError::Overflow));
    }

    #[test]
    fn shares_add_up_to_the_whole() {
        let whole = Quantity::units(3);
        let upto = |k: u32| money("100").share(Quantity::units(k), whole).unwrap();
        let refunds: Vec<String> = (1..=3).map(|k| upto(k).minus(upto(k - 1)).unwrap().to_string()).collect();
        assert_eq!(refunds, ["33.33", "33.34", "33.33"]);
        assert!(money("1").share(whole, Quantity::ZERO).is_err());
    }

    #[test]
    fn price_times_quantity_rounds_half_up() {
        assert_eq!(money("10.01").times("0.5".parse().unwrap()).unwrap(), money("5.01"));
        assert_eq!(money("99.99").times("0.333".parse().unwrap()).unwrap(), money("33.30"));
        assert_eq!(Money::MAX.times("2".parse().unwrap()), Err(MoneyError::Overflow));
    }
}
