//! Choosing where things are stored: the only part of the program that knows.

use vyapar::Ports;

use crate::Outcome;

/// The ports that the command line asks for, and their name.
pub(crate) async fn open(arguments: impl Iterator<Item = String>) -> Outcome<(Ports, String)> {
    let mut backend = "memory".to_owned();
    let mut address = None;
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("`{argument}` needs a value"))?;
        match argument.as_str() {
            "--backend" => backend = value,
            "--url" | "--endpoint" => address = Some(value),
            other => return Err(format!("unknown option `{other}`").into()),
        }
    }
    match backend.as_str() {
        "memory" => Ok((vyapar::memory::Memory::new().ports(), "memory".to_owned())),
        "postgres" => postgres(address).await,
        "dynamodb" => dynamodb(address).await,
        other => Err(format!("unknown backend `{other}`: memory, postgres or dynamodb").into()),
    }
}

#[cfg(feature = "postgres")]
async fn postgres(url: Option<String>) -> Outcome<(Ports, String)> {
    let url = url.ok_or("--backend postgres needs --url")?;
    let postgres = vyapar::postgres::Postgres::connect(&url).await?;
    postgres.migrate().await?;
    Ok((postgres.ports(), "PostgreSQL".to_owned()))
}

#[cfg(not(feature = "postgres"))]
async fn postgres(_: Option<String>) -> Outcome<(Ports, String)> {
    Err("build with `--features postgres`".into())
}

/// Accounts, access, stores, stock and orders on DynamoDB, all else in memory: a hybrid.
#[cfg(feature = "dynamo-local")]
async fn dynamodb(endpoint: Option<String>) -> Outcome<(Ports, String)> {
    use vyapar::dynamo::{Dynamo, TableNames, local};
    let endpoint = endpoint.ok_or("--backend dynamodb needs --endpoint")?;
    let dynamo = Dynamo::new(local::client(&endpoint), TableNames::new("vyaparai", "quickstart"));
    dynamo.create_tables().await?;
    let ports = Ports {
        identity: dynamo.identity(),
        access: dynamo.access(),
        store: dynamo.store(),
        stock: dynamo.stock(),
        order: dynamo.order(),
        ..vyapar::memory::Memory::new().ports()
    };
    Ok((ports, "DynamoDB (accounts, access, stores, stock, orders) and memory (the rest)".to_owned()))
}

#[cfg(not(feature = "dynamo-local"))]
async fn dynamodb(_: Option<String>) -> Outcome<(Ports, String)> {
    Err("build with `--features dynamo-local`".into())
}
