//! The real PIN codes of `examples/data/localities.csv`, and a geocoder made of them.

use std::path::Path;

use serde::Deserialize;
use vyapar::geo::Coordinates;
use vyapar::geo::geocoder::{PinRow, PinTable};
use vyapar::india::{PinCode, StateCode};

use crate::Outcome;
use crate::arguments::Where;

#[derive(Deserialize)]
struct Row {
    locality: String,
    city: String,
    state_code: String,
    pincode: String,
    latitude: String,
    longitude: String,
}

impl Row {
    fn pin_row(&self) -> PinRow<'_> {
        PinRow { pincode: &self.pincode, latitude: &self.latitude, longitude: &self.longitude }
    }
}

pub(crate) struct Locality {
    pub(crate) name: String,
    pub(crate) city: String,
    pub(crate) state: StateCode,
    pub(crate) pincode: PinCode,
    pub(crate) point: Coordinates,
}

pub(crate) struct Localities {
    pub(crate) all: Vec<Locality>,
    /// Where their PIN codes are: the geocoder of this host.
    pub(crate) pins: PinTable,
}

impl Localities {
    pub(crate) fn read() -> Outcome<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data/localities.csv");
        let rows = csv::Reader::from_path(&path)?.into_deserialize().collect::<Result<Vec<Row>, _>>()?;
        let load = PinTable::load(rows.iter().map(Row::pin_row));
        if let Some(refused) = load.refused.first() {
            return Err(format!("{}, row {}: {}", path.display(), refused.row + 1, refused.reason).into());
        }
        let all = rows.into_iter().map(|row| {
            let pincode: PinCode = row.pincode.parse()?;
            let point = load.table.get(&pincode).ok_or("a PIN code without a point")?;
            Ok(Locality { name: row.locality, city: row.city, state: row.state_code.parse()?, pincode, point })
        });
        Ok(Self { all: all.collect::<Outcome<_>>()?, pins: load.table })
    }

    /// A PIN code with the name of its place.
    pub(crate) fn describe(&self, pin: &PinCode) -> String {
        let locality = self.all.iter().find(|locality| locality.pincode == *pin);
        locality.map_or_else(|| pin.to_string(), |found| format!("{pin} {}, {}", found.name, found.city))
    }

    /// What to say of a place that is not among them.
    pub(crate) fn unknown(&self, place: &Where) -> String {
        let Where::Pin(pin) = place else { return "the place is not known".to_owned() };
        let mut known: Vec<_> = self.all.iter().map(|locality| locality.pincode.as_str()).collect();
        known.sort_unstable();
        format!("`--pin {pin}`: this example does not know where that is; it knows {}", known.join(", "))
    }
}
