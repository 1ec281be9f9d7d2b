//! What always holds of amounts: no paisa appears or is lost.

use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::{Mismatch, same};
use crate::id::{OrderId, PaymentId, ProductId, RefundId, StoreId};
use crate::money::{Money, MoneyError};
use crate::payment::{AttemptStatus, Payment, PaymentMethodKind};
use crate::pricing::{GstRate, QuoteLine, Supply, quote};
use crate::quantity::Quantity;
use crate::time::Timestamp;

/// One line of a basket, as plain numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Priced {
    /// How much, in thousandths.
    pub thousandths: i64,
    /// Price of one unit in paise.
    pub paise: i64,
    /// GST contained in it, in hundredths of a percent.
    pub basis_points: u16,
}

/// Baskets of 1 to 20 lines, cheap and dear, at every rate that exists and some that do not.
pub fn baskets() -> impl Strategy<Value = Vec<Priced>> {
    let rate = prop_oneof![
        4 => prop::sample::select(vec![0_u16, 25, 150, 300, 500, 1_800, 2_800, 4_000]),
        1 => 0..=10_000_u16,
    ];
    let paise = prop_oneof![4 => 0..100_000_i64, 1 => 0..1_000_000_000_i64];
    let thousandths = prop_oneof![2 => (1..20_i64).prop_map(|units| units * 1000), 2 => 1..20_000_i64];
    let line = (thousandths, paise, rate).prop_map(|(thousandths, paise, basis_points)| Priced {
        thousandths,
        paise,
        basis_points,
    });
    vec(line, 1..=20)
}

fn broken(what: &str, error: &dyn std::error::Error) -> Mismatch {
    Mismatch { at: what.to_owned(), what: error.to_string() }
}

/// Quotes the basket and adds everything up again, in integers.
///
/// # Errors
/// What does not add up.
pub fn check_quote(basket: &[Priced], supply: Supply, delivery_fee: i64) -> Result<(), Mismatch> {
    let line = |line: &Priced| {
        let rate = rust_decimal::Decimal::new(i64::from(line.basis_points), 2);
        Ok(QuoteLine {
            product_id: ProductId::from_uuid(Uuid::nil()),
            quantity: Quantity::from_thousandths(line.thousandths).map_err(|error| broken("a quantity", &error))?,
            unit_price: Money::from_paise(line.paise).map_err(|error| broken("a price", &error))?,
            tax_rate: GstRate::try_from(rate).map_err(|error| broken("a rate", &error))?,
        })
    };
    let lines = basket.iter().map(line).collect::<Result<Vec<_>, Mismatch>>()?;
    let fee = Money::from_paise(delivery_fee).map_err(|error| broken("a fee", &error))?;
    let quote = quote(lines, supply, fee).map_err(|error| broken("the quote", &error))?;
    let names = ["expected", "found"];
    let (mut subtotal, mut tax) = (0, 0);
    for (asked, line) in basket.iter().zip(&quote.lines) {
        let at = || format!("{asked:?}");
        // Half-up: the nearest paisa, the upper one at the half.
        same(at, names, &((asked.paise * asked.thousandths + 500) / 1000), &line.gross.paise())?;
        same(at, names, &(line.gross.paise() - line.discount.paise()), &line.total.paise())?;
        let [taxable, cgst, sgst, igst] =
            [line.tax.taxable, line.tax.cgst, line.tax.sgst, line.tax.igst].map(Money::paise);
        same(at, names, &line.total.paise(), &(taxable + cgst + sgst + igst))?;
        let split = match supply {
            Supply::IntraState => cgst == sgst && igst == 0,
            Supply::InterState => cgst == 0 && sgst == 0,
        };
        same(at, names, &true, &split)?;
        // The tax is within one paisa a part of what the rate says it is.
        let points = i128::from(asked.basis_points);
        let exact = i128::from(line.total.paise()) * points;
        let off = (i128::from(cgst + sgst + igst) * (10_000 + points) - exact).abs();
        same(at, names, &true, &(off <= 10_000 + points))?;
        subtotal += line.total.paise();
        tax += cgst + sgst + igst;
    }
    let sums = (basket.len(), subtotal, tax, subtotal + delivery_fee);
    let found = (quote.lines.len(), quote.subtotal.paise(), quote.tax.paise(), quote.total.paise());
    same(|| "the totals".to_owned(), names, &sums, &found)
}

/// A refund asked for: the number of its cause, and how much in paise.
pub type Asked = (u8, i64);

/// Refunds asked for of a payment, some for the same cause, some too large.
pub fn refunds() -> impl Strategy<Value = (i64, Vec<Asked>)> {
    (1..100_000_i64, vec((0..6_u8, prop_oneof![4 => 0..40_000_i64, 1 => -5..200_000_i64]), 0..12))
}

/// Owes the refunds of a captured payment one after the other: never more than was captured,
/// each cause once, and asking for all of it leaves nothing.
///
/// # Errors
/// What does not hold.
pub fn check_refunds(captured: i64, asked: &[Asked]) -> Result<(), Mismatch> {
    let owed = |error: MoneyError| broken("owing", &error);
    let mut payment = captured_payment(Money::from_paise(captured).map_err(owed)?);
    let (mut left, mut causes) = (captured, Vec::new());
    for (number, &(cause, amount)) in (1_u128..).zip(asked.iter().chain([&(u8::MAX, i64::MAX / 100_000)])) {
        let id = RefundId::from_uuid(Uuid::from_u128(number));
        let amount = Money::from_paise(amount).map_err(owed)?;
        let expected = if causes.contains(&cause) { 0 } else { amount.paise().clamp(0, left) };
        let changed = payment.owe(id, &cause.to_string(), amount, Timestamp::UNIX_EPOCH).map_err(owed)?;
        left -= expected;
        if expected > 0 {
            causes.push(cause);
        }
        let found = (changed, payment.owed().map_err(owed)?.paise());
        same(|| format!("refund {number}"), ["expected", "found"], &(expected > 0, captured - left), &found)?;
    }
    same(|| "all of it".to_owned(), ["expected", "found"], &0, &left)
}

/// Gives a line back in parts, in thousandths, and refunds each by the difference of shares: no
/// refund is below zero, each is within a paisa of its exact part, and together they are the
/// whole.
///
/// # Errors
/// What does not hold.
pub fn check_shares(paise: i64, parts: &[i64]) -> Result<(), Mismatch> {
    let overflow = |error: MoneyError| broken("a share", &error);
    let quantity = |thousandths| Quantity::from_thousandths(thousandths).map_err(|error| broken("a part", &error));
    let (amount, whole) = (Money::from_paise(paise).map_err(overflow)?, quantity(parts.iter().sum())?);
    let (mut given, mut refunded) = (0, Money::ZERO);
    for part in parts {
        given += part;
        let upto = amount.share(quantity(given)?, whole).map_err(overflow)?;
        let refund = i128::from(upto.minus(refunded).map_err(overflow)?.paise());
        let off = refund * i128::from(whole.thousandths()) - i128::from(paise) * i128::from(*part);
        let fair = refund >= 0 && off.abs() <= i128::from(whole.thousandths());
        same(|| format!("the refund of {part}"), ["expected", "found"], &true, &fair)?;
        refunded = upto;
    }
    same(|| "all refunds".to_owned(), ["expected", "found"], &amount, &refunded)
}

fn captured_payment(amount: Money) -> Payment {
    Payment {
        id: PaymentId::from_uuid(Uuid::nil()),
        store_id: StoreId::from_uuid(Uuid::nil()),
        order_id: OrderId::from_uuid(Uuid::nil()),
        amount,
        method: PaymentMethodKind::Upi,
        status: AttemptStatus::Success,
        transaction_id: None,
        gateway_response: None,
        refunds: Vec::new(),
        applied: true,
        recover_at: None,
        failures: 0,
        version: 1,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(outcome: Result<(), Mismatch>) -> Result<(), TestCaseError> {
        outcome.map_err(|wrong| TestCaseError::fail(wrong.to_string()))
    }

    proptest! {
        #[test]
        fn a_quote_loses_no_paisa(basket in baskets(), inter in any::<bool>(), fee in 0..100_000_i64) {
            case(check_quote(&basket, if inter { Supply::InterState } else { Supply::IntraState }, fee))?;
        }

        #[test]
        fn parts_given_back_cost_the_whole(paise in 0..1_000_000_000_i64, parts in vec(1..30_000_i64, 1..12)) {
            case(check_shares(paise, &parts))?;
        }

        #[test]
        fn refunds_never_pass_what_was_captured((captured, asked) in refunds()) {
            case(check_refunds(captured, &asked))?;
        }
    }
}
