//! GST contained in a tax-inclusive amount (CGST Rules 2017, rule 35; DOMAIN section 6).

use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::india::StateCode;
use crate::money::{Money, MoneyError};

/// A GST rate in percent: 0 to 100, two decimals (0.25 and 1.5 exist).
///
/// Rates are data that change by notification; the library knows only their shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Decimal", into = "Decimal")]
pub struct GstRate(u16);

/// A number that is no GST rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a GST rate (0 to 100 percent, two decimals)")]
pub struct GstRateError(pub String);

impl GstRate {
    /// No tax.
    pub const NIL: Self = Self(0);

    /// The rate in hundredths of a percent.
    #[must_use]
    pub const fn basis_points(self) -> u16 {
        self.0
    }
}

impl TryFrom<Decimal> for GstRate {
    type Error = GstRateError;
    fn try_from(value: Decimal) -> Result<Self, GstRateError> {
        let refused = || GstRateError(value.to_string());
        let points = value.checked_mul(Decimal::ONE_HUNDRED).ok_or_else(refused)?;
        match u16::try_from(points) {
            Ok(points @ 0..=10_000) if Decimal::from(points) == value * Decimal::ONE_HUNDRED => Ok(Self(points)),
            _ => Err(refused()),
        }
    }
}
impl From<GstRate> for Decimal {
    fn from(rate: GstRate) -> Self {
        Self::new(i64::from(rate.0), 2)
    }
}
impl FromStr for GstRate {
    type Err = GstRateError;
    fn from_str(s: &str) -> Result<Self, GstRateError> {
        let value = Decimal::from_str_exact(s.trim()).map_err(|_| GstRateError(s.chars().take(64).collect()))?;
        Self::try_from(value)
    }
}

/// Whether goods stay in the store's state, which decides who gets the tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Supply {
    /// Within one state: CGST and SGST, half each.
    IntraState,
    /// Between states: IGST.
    InterState,
}

impl Supply {
    /// The supply from a store to a place of supply (the delivery address's state).
    #[must_use]
    pub fn between(store: &StateCode, place_of_supply: &StateCode) -> Self {
        if store == place_of_supply { Self::IntraState } else { Self::InterState }
    }
}

/// A tax-inclusive amount, split. The parts sum to it exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TaxSplit {
    /// What is left without tax.
    pub taxable: Money,
    /// Central tax.
    pub cgst: Money,
    /// State tax; equals `cgst`.
    pub sgst: Money,
    /// Integrated tax.
    pub igst: Money,
}

impl TaxSplit {
    /// Splits `inclusive`. Intra-state each half is half_up(V·(r/2)/(100+r)); inter-state the
    /// tax is half_up(V·r/(100+r)); the rest is taxable.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] never happens for amounts a [`Money`] can hold; it is passed on
    /// rather than assumed away.
    pub fn of(inclusive: Money, rate: GstRate, supply: Supply) -> Result<Self, MoneyError> {
        let points = i128::from(rate.0);
        match supply {
            Supply::IntraState => {
                let half = inclusive.mul_div(points, 2 * (10_000 + points))?;
                let taxable = inclusive.minus(half)?.minus(half)?;
                Ok(Self { taxable, cgst: half, sgst: half, igst: Money::ZERO })
            }
            Supply::InterState => {
                let igst = inclusive.mul_div(points, 10_000 + points)?;
                Ok(Self { taxable: inclusive.minus(igst)?, igst, ..Self::default() })
            }
        }
    }

    /// All tax in it.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] beyond what a [`Money`] can hold.
    pub fn tax(&self) -> Result<Money, MoneyError> {
        Money::sum([self.cgst, self.sgst, self.igst])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paise(value: i64) -> Money {
        Money::from_paise(value).unwrap()
    }

    #[test]
    fn the_fixtures_of_the_domain_rules() {
        for (v, rate, taxable, half) in [
            (64_900, "5", 61_810, 1_545),
            (100, "5", 96, 2),
            (23_100, "18", 19_576, 1_762),
            (9_870, "0", 9_870, 0),
            (5_929, "5", 5_647, 141),
            (6_000, "40", 4_286, 857),
            (50_700, "18", 42_966, 3_867),
        ] {
            let split = TaxSplit::of(paise(v), rate.parse().unwrap(), Supply::IntraState).unwrap();
            assert_eq!(
                split,
                TaxSplit { taxable: paise(taxable), cgst: paise(half), sgst: paise(half), igst: Money::ZERO }
            );
        }
        for (v, taxable, igst) in [(64_900, 61_810, 3_090), (100, 95, 5)] {
            let split = TaxSplit::of(paise(v), "5".parse().unwrap(), Supply::InterState).unwrap();
            assert_eq!((split.taxable, split.igst, split.tax().unwrap()), (paise(taxable), paise(igst), paise(igst)));
        }
    }

    #[test]
    fn rates_have_a_shape() {
        assert_eq!("0.25".parse::<GstRate>().unwrap().basis_points(), 25);
        for bad in ["-5", "100.01", "0.125", "five", ""] {
            assert!(bad.parse::<GstRate>().is_err(), "{bad}");
        }
    }
}
