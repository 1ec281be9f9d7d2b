//! The quote: what a basket costs at this moment, frozen into the order.

use crate::id::ProductId;
use crate::money::{Money, MoneyError};
use crate::pricing::gst::{GstRate, Supply, TaxSplit};
use crate::quantity::Quantity;

/// One product to be priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuoteLine {
    /// The product.
    pub product_id: ProductId,
    /// How much of it.
    pub quantity: Quantity,
    /// Price of one unit, tax included.
    pub unit_price: Money,
    /// GST contained in it.
    pub tax_rate: GstRate,
}

/// One priced line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotedLine {
    /// What was asked.
    pub line: QuoteLine,
    /// Price × quantity, half-up.
    pub gross: Money,
    /// What is taken off.
    pub discount: Money,
    /// What the line costs: gross − discount, tax included.
    pub total: Money,
    /// The tax contained in it.
    pub tax: TaxSplit,
}

/// A priced basket. Totals are sums of its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quote {
    /// The lines, in the order asked.
    pub lines: Vec<QuotedLine>,
    /// Sum of the lines' totals.
    pub subtotal: Money,
    /// Sum of the lines' discounts.
    pub discount: Money,
    /// Sum of the lines' tax.
    pub tax: Money,
    /// Delivery, tax included.
    pub delivery_fee: Money,
    /// What the customer pays: subtotal + delivery fee.
    pub total: Money,
}

/// Prices a basket.
///
/// # Errors
/// [`MoneyError::Overflow`] when an amount passes [`Money::MAX`].
pub fn quote(
    lines: impl IntoIterator<Item = QuoteLine>,
    supply: Supply,
    delivery_fee: Money,
) -> Result<Quote, MoneyError> {
    let lines = lines
        .into_iter()
        .map(|line| {
            let gross = line.unit_price.times(line.quantity)?;
            let tax = TaxSplit::of(gross, line.tax_rate, supply)?;
            Ok(QuotedLine { line, gross, discount: Money::ZERO, total: gross, tax })
        })
        .collect::<Result<Vec<_>, MoneyError>>()?;
    let subtotal = Money::sum(lines.iter().map(|line| line.total))?;
    let discount = Money::sum(lines.iter().map(|line| line.discount))?;
    let tax = lines.iter().try_fold(Money::ZERO, |sum, line| sum.plus(line.tax.tax()?))?;
    let total = subtotal.plus(delivery_fee)?;
    Ok(Quote { lines, subtotal, discount, tax, delivery_fee, total })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_sums_of_lines() {
        let line = |price: &str, quantity: &str, rate: &str| QuoteLine {
            product_id: ProductId::from_uuid(uuid::Uuid::nil()),
            quantity: quantity.parse().unwrap(),
            unit_price: price.parse().unwrap(),
            tax_rate: rate.parse().unwrap(),
        };
        let basket = [line("649", "1", "5"), line("77", "3", "18"), line("39.48", "2.5", "0")];
        let quote = quote(basket, Supply::IntraState, "25".parse().unwrap()).unwrap();
        assert_eq!(quote.subtotal.to_string(), "978.70");
        assert_eq!(quote.tax.to_string(), "66.14");
        assert_eq!(quote.total.to_string(), "1003.70");
    }
}
