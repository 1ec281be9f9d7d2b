//! Reading the two files in `examples/data`.

use std::path::Path;

use serde::Deserialize;
use vyapar::geo::geocoder::{PinRow, PinTable};
use vyapar::inventory::{NewProduct, ProductPrice};
use vyapar::{Money, StockUnit};

use crate::Outcome;

#[derive(Debug, Deserialize)]
struct ProductRow {
    brand: String,
    name: String,
    pack_size: String,
    size_unit: String,
    mrp: String,
    selling_price: String,
    hsn_code: String,
    gst_rate: String,
    stock_unit: String,
}

#[derive(Debug, Deserialize)]
struct LocalityRow {
    locality: String,
    city: String,
    state_code: String,
    pincode: String,
    latitude: String,
    longitude: String,
}

/// Where a shop opens.
pub(crate) struct Locality {
    pub(crate) name: String,
    pub(crate) city: String,
    pub(crate) state: vyapar::india::StateCode,
    pub(crate) pincode: vyapar::india::PinCode,
}

/// The products of `catalogue.csv`, each checked on the way in.
pub(crate) fn products() -> Outcome<Vec<NewProduct>> {
    let rows = read::<ProductRow>("catalogue.csv")?;
    rows.into_iter().enumerate().map(|(at, row)| product(at, row)).collect()
}

fn product(at: usize, row: ProductRow) -> Outcome<NewProduct> {
    let money = |text: &str| text.parse::<Money>();
    Ok(NewProduct {
        sku: format!("KIRANA-{:04}", at + 1).parse()?,
        product_name: format!("{} {} {} {}", row.brand, row.name, row.pack_size, row.size_unit),
        barcode: None,
        generic_product_id: None,
        brand_id: None,
        variant_type: None,
        size: Some(row.pack_size.parse()?),
        size_unit: Some(row.size_unit),
        hsn_code: Some(row.hsn_code.parse()?),
        tax_rate: row.gst_rate.parse()?,
        price: ProductPrice::new(money(&row.mrp)?, money(&row.selling_price)?)?,
        cost_price: None,
        stock_unit: if row.stock_unit == "l" { StockUnit::Litre } else { row.stock_unit.parse()? },
        min_stock_level: None,
        max_stock_level: None,
    })
}

/// The localities of `localities.csv`, and the same file as a geocoder: where its PIN codes are.
pub(crate) fn localities() -> Outcome<(Vec<Locality>, PinTable)> {
    let rows = read::<LocalityRow>("localities.csv")?;
    let points =
        rows.iter().map(|row| PinRow { pincode: &row.pincode, latitude: &row.latitude, longitude: &row.longitude });
    let load = PinTable::load(points);
    if let Some(refused) = load.refused.first() {
        return Err(format!("row {} of localities.csv: {}", refused.row + 2, refused.reason).into());
    }
    let localities = rows.into_iter().map(|row| {
        let (state, pincode) = (row.state_code.parse()?, row.pincode.parse()?);
        Ok(Locality { name: row.locality, city: row.city, state, pincode })
    });
    Ok((localities.collect::<Outcome<_>>()?, load.table))
}

fn read<T: for<'de> Deserialize<'de>>(file: &str) -> Outcome<Vec<T>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data").join(file);
    let mut reader = csv::Reader::from_path(&path)?;
    Ok(reader.deserialize().collect::<Result<_, _>>()?)
}
