//! What the real service does and a test server does not: transaction
//! conflicts, throttling, and answers that get lost.
//!
//! The conflict model keeps a set of locked items. A transaction locks what it
//! names while it is served, which takes [`Faults::hold`]; another transaction
//! that meets a lock is cancelled with `TransactionConflict`, a single write is
//! refused with `TransactionConflictException`, nothing queues. That is what
//! the documentation says of the service; the times are ours. What the test
//! server takes is part of them: the service does not share our processors.
//!
//! Which request meets which fault follows from a seed and the request's
//! number, or from a script, so a failing run can be repeated.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorFuture},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::{Value, json};

use vyapar_dynamo::local::PlainHttp;

/// One thing that can go wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request passes.
    None,
    /// The connection breaks before the server sees the request.
    CutBefore,
    /// The server acts, its answer never arrives.
    CutAfter,
    /// The server refuses for want of capacity.
    Throttle,
    /// The server refuses because of another transaction (writes only).
    Conflict,
}

/// How often which fault happens, and what happened so far.
#[derive(Debug, Default)]
pub struct Faults {
    /// Added to every request before the server sees it.
    pub latency: Duration,
    /// How long a transaction is served, with its items locked; longer where the test server
    /// takes longer.
    pub hold: Duration,
    /// Whether transactions lock their items.
    pub conflicts: bool,
    /// Requests in 1,000 that are throttled.
    pub throttle: u64,
    /// Writes in 1,000 that are refused with a conflict whatever the locks say.
    pub conflict: u64,
    /// Requests in 1,000 whose connection breaks before the server acts.
    pub cut_before: u64,
    /// Requests in 1,000 whose answer is lost.
    pub cut_after: u64,
    /// Chooses the requests.
    pub seed: u64,
    /// Whether the server is asked what each write consumed.
    pub meter: bool,
    /// Write units in tenths.
    consumed: AtomicU64,
    /// Tables whose name contains none of the others are left alone by the
    /// script; see [`Faults::push`].
    script: Mutex<VecDeque<(&'static str, Fault)>>,
    off: std::sync::atomic::AtomicBool,
    number: AtomicU64,
    locked: Mutex<HashSet<String>>,
    schemas: Mutex<HashMap<String, Vec<String>>>,
    met: Mutex<HashMap<&'static str, u64>>,
    asked: Mutex<HashMap<String, u64>>,
}

impl Faults {
    /// No faults at all until some are scripted.
    pub fn none() -> Self {
        Self::default()
    }

    /// The conflict model the measurement uses.
    pub fn conflict_model() -> Self {
        Self { latency: Duration::from_millis(3), hold: Duration::from_millis(5), conflicts: true, ..Self::default() }
    }

    /// A bad day: conflicts, throttling and lost answers, repeatable by seed.
    pub fn bad_day(seed: u64) -> Self {
        Self {
            latency: Duration::from_micros(300),
            hold: Duration::from_micros(700),
            conflicts: true,
            throttle: 40,
            conflict: 40,
            cut_before: 30,
            cut_after: 40,
            seed,
            ..Self::default()
        }
    }

    /// The next request whose operation is `operation` meets `fault`.
    pub fn push(&self, operation: &'static str, fault: Fault) {
        self.script.lock().expect("script").push_back((operation, fault));
    }

    /// Stops or resumes all faults, scripted ones included.
    pub fn pause(&self, off: bool) {
        self.off.store(off, Ordering::SeqCst);
    }

    /// How many requests met the named fault.
    pub fn met(&self, name: &'static str) -> u64 {
        self.met.lock().expect("met").get(name).copied().unwrap_or(0)
    }

    /// Requests by their operation, and under `keys` the keys that batches of reads named, since
    /// this was last asked.
    pub fn asked(&self) -> HashMap<String, u64> {
        std::mem::take(&mut self.asked.lock().expect("asked"))
    }

    fn note(&self, operation: &str, body: &Value) {
        let tables = body["RequestItems"].as_object().into_iter().flat_map(|tables| tables.values());
        let keys: usize = tables.filter_map(|table| table["Keys"].as_array()).map(Vec::len).sum();
        let mut asked = self.asked.lock().expect("asked");
        *asked.entry(operation.to_owned()).or_default() += 1;
        *asked.entry("keys".to_owned()).or_default() += keys as u64;
    }

    /// Write units that the server says were consumed, indexes included; with [`Faults::meter`].
    pub fn write_units(&self) -> f64 {
        self.consumed.load(Ordering::SeqCst) as f64 / 10.0
    }

    fn weigh(&self, answer: &HttpResponse) {
        let body: Value =
            answer.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or(Value::Null);
        let one = std::slice::from_ref(&body["ConsumedCapacity"]);
        for table in body["ConsumedCapacity"].as_array().map_or(one, Vec::as_slice) {
            let units = table["WriteCapacityUnits"].as_f64().or(table["CapacityUnits"].as_f64()).unwrap_or(0.0);
            self.consumed.fetch_add((units * 10.0) as u64, Ordering::SeqCst);
        }
    }

    fn count(&self, name: &'static str) {
        *self.met.lock().expect("met").entry(name).or_default() += 1;
    }

    fn next(&self, operation: &str, writes: bool) -> Fault {
        if self.off.load(Ordering::SeqCst) {
            return Fault::None;
        }
        let mut script = self.script.lock().expect("script");
        if let Some(at) = script.iter().position(|(named, _)| *named == operation) {
            return script.remove(at).map_or(Fault::None, |(_, fault)| fault);
        }
        drop(script);
        let number = self.number.fetch_add(1, Ordering::SeqCst);
        let mut draw = mix(self.seed ^ mix(number)) % 1000;
        for (share, fault) in [
            (self.throttle, Fault::Throttle),
            (self.cut_before, Fault::CutBefore),
            (self.cut_after, Fault::CutAfter),
            (if writes { self.conflict } else { 0 }, Fault::Conflict),
        ] {
            if draw < share {
                return fault;
            }
            draw -= share;
        }
        Fault::None
    }

    /// Locks every item or none; answers which one was in the way.
    fn lock(&self, keys: &[String]) -> Result<(), usize> {
        let mut locked = self.locked.lock().expect("locks");
        if let Some(at) = keys.iter().position(|key| locked.contains(key)) {
            return Err(at);
        }
        locked.extend(keys.iter().cloned());
        Ok(())
    }

    fn unlock(&self, keys: &[String]) {
        let mut locked = self.locked.lock().expect("locks");
        for key in keys {
            locked.remove(key);
        }
    }

    fn learn(&self, body: &Value) {
        let (Some(table), Some(schema)) = (body["TableName"].as_str(), body["KeySchema"].as_array()) else {
            return;
        };
        let names = schema.iter().filter_map(|part| part["AttributeName"].as_str().map(str::to_owned)).collect();
        self.schemas.lock().expect("schemas").insert(table.to_owned(), names);
    }

    /// The item a single write or one action of a transaction names.
    fn item_of(&self, action: &Value) -> String {
        let table = action["TableName"].as_str().unwrap_or_default();
        let key = if action["Key"].is_object() { &action["Key"] } else { &action["Item"] };
        let schemas = self.schemas.lock().expect("schemas");
        let parts = schemas.get(table).map_or(&[][..], Vec::as_slice);
        let mut name = table.to_owned();
        for part in parts {
            name.push('|');
            name.push_str(&key[part].to_string());
        }
        name
    }
}

/// Unlocks even when the caller's future is dropped half way.
struct Locked {
    faults: Arc<Faults>,
    keys: Vec<String>,
}

impl Drop for Locked {
    fn drop(&mut self) {
        self.faults.unlock(&self.keys);
    }
}

/// A connector that loses, delays and refuses requests on their way.
#[derive(Clone, Debug)]
pub struct FaultLayer {
    inner: PlainHttp,
    faults: Arc<Faults>,
}

impl FaultLayer {
    pub(super) fn new(inner: PlainHttp, faults: Arc<Faults>) -> Self {
        Self { inner, faults }
    }

    /// Asks what the write consumes, and adds it up.
    async fn metered(&self, mut request: HttpRequest, mut body: Value) -> Result<HttpResponse, ConnectorError> {
        body["ReturnConsumedCapacity"] = json!("TOTAL");
        let text = body.to_string();
        request.headers_mut().insert("content-length", text.len().to_string());
        *request.body_mut() = SdkBody::from(text);
        let mut answer = self.inner.send(request).await?;
        // The body comes as a stream; it is read whole, and given on as it was.
        let bytes = aws_smithy_types::byte_stream::ByteStream::new(answer.take_body())
            .collect()
            .await
            .map_err(|error| ConnectorError::io(error.into()))?
            .into_bytes();
        *answer.body_mut() = SdkBody::from(bytes.to_vec());
        self.faults.weigh(&answer);
        Ok(answer)
    }

    async fn serve(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let faults = &self.faults;
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body: Value =
            request.body().bytes().and_then(|bytes| serde_json::from_slice(bytes).ok()).unwrap_or(Value::Null);
        if operation == "CreateTable" {
            faults.learn(&body);
        }
        // Setting tables up is not what these tests are about.
        if operation.contains("Table") || operation.contains("TimeToLive") {
            return self.inner.send(request).await;
        }
        faults.note(&operation, &body);
        let transaction = operation == "TransactWriteItems";
        let single = matches!(operation.as_str(), "PutItem" | "UpdateItem" | "DeleteItem");
        let empty = Vec::new();
        let actions = body["TransactItems"].as_array().unwrap_or(&empty);
        let keys: Vec<String> = if transaction {
            actions
                .iter()
                .filter_map(|action| action.as_object()?.values().next())
                .map(|action| faults.item_of(action))
                .collect()
        } else if single {
            vec![faults.item_of(&body)]
        } else {
            Vec::new()
        };

        if !faults.latency.is_zero() {
            tokio::time::sleep(faults.latency).await;
        }
        let fault = faults.next(&operation, transaction || single);
        match fault {
            Fault::CutBefore => {
                faults.count("cut before");
                return Err(cut());
            }
            Fault::Throttle => {
                faults.count("throttled");
                return Ok(if transaction {
                    cancelled(keys.len(), 0, "ThrottlingError")
                } else {
                    refused("ProvisionedThroughputExceededException")
                });
            }
            Fault::Conflict => {
                faults.count("conflict");
                return Ok(conflict(transaction, keys.len(), 0));
            }
            Fault::None | Fault::CutAfter => {}
        }
        let mut held = None;
        if faults.conflicts && (transaction || single) {
            if let Err(at) = faults.lock(&keys) {
                faults.count("conflict");
                return Ok(conflict(transaction, keys.len(), at));
            }
            let locked = Locked { faults: Arc::clone(faults), keys };
            if transaction {
                held = Some(locked);
            }
        }
        let served = tokio::time::Instant::now() + faults.hold;
        let answer = if faults.meter && (transaction || single) {
            self.metered(request, body).await
        } else {
            self.inner.send(request).await
        };
        if let Some(held) = held {
            tokio::time::sleep_until(served).await;
            drop(held);
        }
        if fault == Fault::CutAfter {
            faults.count("cut after");
            return Err(cut());
        }
        answer
    }
}

impl HttpConnector for FaultLayer {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move { this.serve(request).await })
    }
}

fn cut() -> ConnectorError {
    ConnectorError::io("connection reset by the fault layer".into())
}

fn conflict(transaction: bool, actions: usize, at: usize) -> HttpResponse {
    if transaction { cancelled(actions, at, "TransactionConflict") } else { refused("TransactionConflictException") }
}

fn cancelled(actions: usize, at: usize, code: &str) -> HttpResponse {
    let reasons: Vec<Value> = (0..actions)
        .map(|n| {
            if n == at { json!({ "Code": code, "Message": "from the fault layer" }) } else { json!({ "Code": "None" }) }
        })
        .collect();
    answer(json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled, see the reasons",
        "CancellationReasons": reasons,
    }))
}

fn refused(code: &str) -> HttpResponse {
    answer(json!({
        "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"),
        "message": "from the fault layer",
    }))
}

fn answer(body: Value) -> HttpResponse {
    let status = StatusCode::try_from(400).expect("a legal status");
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

/// SplitMix64: one well-mixed number for another.
pub fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
