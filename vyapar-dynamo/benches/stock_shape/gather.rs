//! Many orders at a time: shape G.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::shapes::{ACTIONS, Bench, Lines, Seen, pause};

/// One caller's order on its way through a gatherer.
pub struct Request {
    pub order: u64,
    pub lines: Lines,
    pub done: oneshot::Sender<()>,
}

/// The only writer of every product of its process.
pub struct Gatherer {
    bench: Arc<Bench>,
    waiting: VecDeque<Request>,
    busy: HashSet<usize>,
    remembered: HashMap<usize, Seen>,
    running: JoinSet<HashMap<usize, Seen>>,
}

impl Gatherer {
    pub fn start(bench: Arc<Bench>) -> mpsc::Sender<Request> {
        let (send, mut receive) = mpsc::channel::<Request>(1024);
        tokio::spawn(async move {
            let mut this = Self {
                bench,
                waiting: VecDeque::new(),
                busy: HashSet::new(),
                remembered: HashMap::new(),
                running: JoinSet::new(),
            };
            loop {
                tokio::select! {
                    request = receive.recv() => match request {
                        Some(request) => this.waiting.push_back(request),
                        None => break,
                    },
                    Some(done) = this.running.join_next() => {
                        for (p, seen) in done.expect("no task panics") {
                            this.busy.remove(&p);
                            this.remembered.insert(p, seen);
                        }
                    }
                }
                while let Ok(request) = receive.try_recv() {
                    this.waiting.push_back(request);
                }
                this.dispatch();
            }
        });
        send
    }

    /// Starts one transaction for each group of waiting orders that share
    /// products, leaving those that need a product under way.
    fn dispatch(&mut self) {
        let mut blocked: HashSet<usize> = HashSet::new();
        let mut groups: Vec<(HashSet<usize>, Vec<Request>, usize)> = Vec::new();
        let mut left = VecDeque::new();
        for request in self.waiting.drain(..) {
            let free = request.lines.iter().all(|p| !self.busy.contains(p) && !blocked.contains(p));
            let shares: Vec<usize> = groups
                .iter()
                .enumerate()
                .filter(|(_, (products, ..))| request.lines.iter().any(|p| products.contains(p)))
                .map(|(at, _)| at)
                .collect();
            let cost = 1 + request.lines.len();
            match (free, shares.as_slice()) {
                (true, []) => {
                    let products: HashSet<usize> = request.lines.iter().copied().collect();
                    let actions = cost + products.len();
                    groups.push((products, vec![request], actions));
                }
                (true, &[at])
                    if {
                        let (products, _, actions) = &groups[at];
                        let new = request.lines.iter().filter(|p| !products.contains(p)).count();
                        actions + cost + new <= ACTIONS
                    } =>
                {
                    let (products, requests, actions) = &mut groups[at];
                    for p in &request.lines {
                        *actions += usize::from(products.insert(*p));
                    }
                    *actions += cost;
                    requests.push(request);
                }
                _ => {
                    blocked.extend(request.lines.iter().copied());
                    left.push_back(request);
                }
            }
        }
        self.waiting = left;
        for (products, requests, _) in groups {
            self.busy.extend(products.iter().copied());
            let mut state: HashMap<usize, Seen> =
                products.iter().filter_map(|p| Some((*p, *self.remembered.get(p)?))).collect();
            let bench = Arc::clone(&self.bench);
            self.running.spawn(async move {
                let all: Vec<usize> = products.into_iter().collect();
                if state.len() < all.len() {
                    state = bench.read(&all).await;
                }
                let orders: Vec<(u64, Lines)> = requests.iter().map(|r| (r.order, r.lines.clone())).collect();
                for attempt in 0.. {
                    let mut next = state.clone();
                    if bench.send(Bench::batch(&orders, &mut next)).await {
                        state = next;
                        break;
                    }
                    pause(orders[0].0, attempt).await;
                    state = bench.read(&all).await;
                }
                for request in requests {
                    let _ = request.done.send(());
                }
                state
            });
        }
    }
}
